#include "common/like.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common/utf8.h"

enum {
	ANY = -1,		/* % */
	ONE = -2,		/* _ */
};

struct Like {
	LikeFlags	flags;
	int			n_tokens;
	int32_t	   *tokens;			/* code points, ANY, ONE */
	Str		   *runs;			/* of tokens that stand behind an ANY (NULL: case does not matter): the text that follows up to */
	int		   *run_tokens;		/* the next ANY or ONE, and how many tokens that is */
	bool		is_plain;		/* no ONE and case matters: the segments below are all there is */
	bool		has_any;
	int			n_segments;
	Str		   *segments;		/* texts between the ANYs; the first and last are anchored and may be empty */
};

static int32_t
fold(int32_t c)
{
	return utf8_lower_point(utf8_upper_point(c));
}

static bool
is_terminator(int32_t c)
{
	return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static bool
has_terminator(Str text)
{
	if (text.length == 0)
		return false;
	if (memchr(text.data, '\n', text.length) != NULL || memchr(text.data, '\r', text.length) != NULL)
		return true;
	if (utf8_is_ascii(text))
		return false;
	return memmem(text.data, text.length, "\xc2\x85", 2) != NULL || memmem(text.data, text.length, "\xe2\x80\xa8", 3) != NULL
		|| memmem(text.data, text.length, "\xe2\x80\xa9", 3) != NULL;
}

/* The texts between the ANYs, as bytes. */
static void
make_segments(Arena *arena, Like *like)
{
	StrBuf	buf = {0};

	like->segments = arena_array(arena, Str, like->n_tokens + 1);
	for (int i = 0; i <= like->n_tokens; i++) {
		if (i < like->n_tokens && like->tokens[i] != ANY) {
			utf8_add(&buf, like->tokens[i]);
			continue;
		}
		like->has_any |= i < like->n_tokens;
		like->segments[like->n_segments++] = str_make(arena_memdup(arena, strbuf_text(&buf), buf.length + 1), buf.length);
		strbuf_clear(&buf);
	}
	strbuf_free(&buf);
}

/* What is behind each ANY, to search for. */
static void
make_runs(Arena *arena, Like *like)
{
	StrBuf	buf = {0};

	like->runs = arena_array(arena, Str, like->n_tokens + 1);
	like->run_tokens = arena_array(arena, int, like->n_tokens + 1);
	for (int i = 1; i < like->n_tokens; i++) {
		int		n = 0;

		if (like->tokens[i - 1] != ANY)
			continue;
		strbuf_clear(&buf);
		while (i + n < like->n_tokens && like->tokens[i + n] >= 0)
			utf8_add(&buf, like->tokens[i + n++]);
		like->runs[i] = str_make(arena_memdup(arena, strbuf_text(&buf), buf.length + 1), buf.length);
		like->run_tokens[i] = n;
	}
	strbuf_free(&buf);
}

/* As memmem, which is slow to start: texts here are short. */
static const char *
find_text(const char *s, const char *end, Str wanted)
{
	if (wanted.length == 0)
		return s;
#ifdef __SSE2__
	const __m128i first = _mm_set1_epi8(wanted.data[0]), last = _mm_set1_epi8(wanted.data[wanted.length - 1]);

	while ((size_t)(end - s) >= wanted.length + 15) {
		__m128i	 a = _mm_loadu_si128((const __m128i *)(const void *)s);
		__m128i	 b = _mm_loadu_si128((const __m128i *)(const void *)(s + wanted.length - 1));
		unsigned bits = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));

		for (; bits != 0; bits &= bits - 1) {
			const char *at = s + __builtin_ctz(bits);

			if (memcmp(at, wanted.data, wanted.length) == 0)
				return at;
		}
		s += 16;
	}
#endif
	return (size_t)(end - s) >= wanted.length ? memmem(s, (size_t)(end - s), wanted.data, wanted.length) : NULL;
}

Status
like_compile(Arena *arena, Str pattern, int32_t escape, LikeFlags flags, const Like **out, Error *err)
{
	Like   *like = arena_new(arena, Like);
	size_t	pos = 0;

	like->flags = flags;
	like->tokens = arena_array(arena, int32_t, pattern.length + 1);
	like->is_plain = (flags & LIKE_NOCASE) == 0;
	while (pos < pattern.length) {
		int32_t	c = utf8_decode(pattern, &pos);

		if (escape != LIKE_NO_ESCAPE && c == escape) {
			if (pos >= pattern.length)
				return error_user(err, "LIKE pattern '%.*s' must not end with its escape character",
								  pattern.length > 200 ? 200 : (int)pattern.length, pattern.data);
			c = utf8_decode(pattern, &pos);
		} else if (c == '%') {
			if (like->n_tokens > 0 && like->tokens[like->n_tokens - 1] == ANY)
				continue;
			c = ANY;
		} else if (c == '_') {
			c = ONE;
			like->is_plain = false;
		}
		like->tokens[like->n_tokens++] = c >= 0 && (flags & LIKE_NOCASE) != 0 ? fold(c) : c;
	}
	if (like->is_plain)
		make_segments(arena, like);
	if ((flags & LIKE_NOCASE) == 0)
		make_runs(arena, like);
	*out = like;
	return OK;
}

/* First and last segment at the ends, the others one after the other, each at its first place. */
static bool
match_segments(const Like *like, Str text)
{
	Str		first = like->segments[0];
	Str		last = like->segments[like->n_segments - 1];

	if (!like->has_any)
		return str_equal(text, first);
	if (text.length < first.length + last.length || !str_starts_with(text, first) || !str_ends_with(text, last))
		return false;
	const char *s = text.data + first.length;
	const char *end = text.data + text.length - last.length;

	for (int i = 1; i < like->n_segments - 1; i++) {
		Str		segment = like->segments[i];

		s = find_text(s, end, segment);
		if (s == NULL)
			return false;
		s += segment.length;
	}
	return true;
}

/* Character by character, going back to the last ANY, which then takes one character more. */
static bool
match_tokens(const Like *like, Str text)
{
	bool	stops = (like->flags & LIKE_STANDARD) == 0 && has_terminator(text);
	bool	folds = (like->flags & LIKE_NOCASE) != 0;
	size_t	pos = 0;
	int		t = 0;
	size_t	retry_pos = 0;
	int		retry_token = -1;

	for (;;) {
		if (t < like->n_tokens && like->tokens[t] == ANY) {
			retry_token = ++t;
			retry_pos = pos;
			if (t == like->n_tokens && !stops)
				return true;
			goto seek;
		}
		if (t == like->n_tokens && pos == text.length)
			return true;
		if (t < like->n_tokens && pos < text.length) {
			size_t	next = pos;
			int32_t	c = utf8_decode(text, &next);
			int32_t	wanted = like->tokens[t];

			if (wanted == ONE ? !(stops && is_terminator(c)) : wanted == (folds ? fold(c) : c)) {
				pos = next;
				t++;
				continue;
			}
		}
		if (retry_token < 0 || retry_pos >= text.length)
			return false;
		int32_t	skipped = utf8_decode(text, &retry_pos);

		if (stops && is_terminator(skipped))
			return false;
		pos = retry_pos;
		t = retry_token;
	seek:
		/* straight to where the text behind the ANY stands */
		if (!stops && like->runs != NULL && t < like->n_tokens && like->runs[t].length > 0) {
			const char *found = find_text(text.data + pos, text.data + text.length, like->runs[t]);

			if (found == NULL)
				return false;
			retry_pos = (size_t)(found - text.data);
			pos = retry_pos + like->runs[t].length;
			t += like->run_tokens[t];
		}
	}
}

bool
like_match(const Like *like, Str text)
{
	if (!like->is_plain)
		return match_tokens(like, text);
	if (!match_segments(like, text))
		return false;
	return (like->flags & LIKE_STANDARD) != 0 || !has_terminator(text) || match_tokens(like, text);
}
