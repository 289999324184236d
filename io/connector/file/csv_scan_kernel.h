/*
 * The scan itself, included once for each instruction set with
 *	KERNEL(name)	the function's name for this set
 *	TARGET			its attributes
 *	MASKS			(p, d, q, &delimiters, &newlines, &quotes, &high, &cr): 64-bit masks of the 64 bytes at p
 *					(high, cr: zero if there are none)
 *	CTZ				(bits): the lowest bit set, anything if there is none
 */

/* Lists the places of the bits set.  Writes `room` entries whatever their number: how many there are cannot be predicted,
 * so a loop that ends with the last one costs more. */
TARGET static inline __attribute__((always_inline)) uint32_t *
KERNEL(flatten)(uint32_t *to, uint32_t base, uint64_t bits, int room)
{
	int n = __builtin_popcountll(bits);

	for (int i = 0; i < room; i++) {
		to[i] = base + CTZ(bits);
		bits &= bits - 1;
	}
	if (__builtin_expect(n > room, 0))
		for (int i = room; i < n; i++) {
			to[i] = base + CTZ(bits);
			bits &= bits - 1;
		}
	return to + n;
}

TARGET static void
KERNEL(scan)(CsvScan *scan, const char *text, size_t from, size_t length)
{
	uint32_t *ends = scan->ends;
	uint32_t *ends_stop = ends + scan->capacity_ends;
	uint32_t  n_lines = 0;
	uint64_t  inside = 0;				/* all ones while within quotes */
	uint64_t  last_close = 0;			/* bit 0: the byte before was a closing quote */
	uint64_t  last_start = 1;			/* bit 0: a field may begin here */
	uint64_t  all_high = 0, all_quotes = 0, all_cr = 0, bad = 0;
	char	  quote = scan->quote != '\0' ? scan->quote : scan->delimiter;
	uint64_t  quote_filter = scan->quote != '\0' ? ~(uint64_t)0 : 0;

	for (size_t at = from; at < length && ends < ends_stop && n_lines < scan->capacity_lines; at += 64) {
		uint64_t d, n, q, high, cr;

		MASKS(text + at, scan->delimiter, quote, &d, &n, &q, &high, &cr);
		q &= quote_filter;
		if (length - at < 64) {
			uint64_t valid = ((uint64_t)1 << (length - at)) - 1;

			d &= valid;
			n &= valid;
			q &= valid;
		}
		all_high |= high;
		all_cr |= cr;
		if ((q | inside | last_close) != 0) {
			uint64_t in = PREFIX_XOR(q) ^ inside;
			uint64_t opens = q & in, closes = q & ~in;
			uint64_t seps;

			all_quotes |= q;
			d &= ~in;
			n &= ~in;
			inside = (uint64_t)((int64_t)in >> 63);
			seps = d | n;
			/* a quote opens at the start of a field or doubles the one before; behind one that closes the field ends */
			bad |= opens & ~((seps | closes) << 1 | last_close | last_start);
			uint64_t after = closes << 1 | last_close;

			if (length - at < 64)
				after &= ((uint64_t)1 << (length - at)) - 1;
			if ((after & ~(seps | opens)) != 0)
				bad |= after & ~(seps | opens | CARRIAGE_RETURNS(text + at));
			last_close = closes >> 63;
			last_start = seps >> 63;
		} else {
			last_start = (d | n) >> 63;
		}
		ends = KERNEL(flatten)(ends, (uint32_t)at, d | n, 12);
		n_lines += (uint32_t)__builtin_popcountll(n);
	}
	scan->n_ends = (uint32_t)(ends - scan->ends);
	scan->n_lines = n_lines;
	scan->has_quotes = all_quotes != 0;
	scan->has_high = all_high != 0;
	scan->has_returns = all_cr != 0;
	scan->is_irregular = bad != 0;
}

TARGET static bool
KERNEL(count)(const char *text, size_t length, char delimiter, char quote, int64_t *n_lines, int64_t *n_delimiters, int64_t *n_blank)
{
	uint64_t last_newline = 1;
	int64_t	 lines = 0, delimiters = 0, blank = 0;
	char	 q_char = quote != '\0' ? quote : delimiter;

	for (size_t at = 0; at < length; at += 64) {
		uint64_t d, n, q, high, cr;

		MASKS(text + at, delimiter, q_char, &d, &n, &q, &high, &cr);
		if (length - at < 64) {
			uint64_t valid = ((uint64_t)1 << (length - at)) - 1;

			d &= valid;
			n &= valid;
			q &= valid;
		}
		if (quote != '\0' && q != 0)
			return false;
		lines += __builtin_popcountll(n);
		delimiters += __builtin_popcountll(d);
		blank += __builtin_popcountll(n & (n << 1 | last_newline));
		last_newline = n >> 63;
	}
	*n_lines = lines;
	*n_delimiters = delimiters;
	*n_blank = blank;
	return true;
}

#undef KERNEL
#undef TARGET
#undef MASKS
#undef CTZ
