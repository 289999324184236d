#include "data/window.h"

#include <inttypes.h>

const char *
window_kind_name(WindowKind kind)
{
	switch (kind) {
	case WINDOW_TUMBLING:
		return "TUMBLING";
	case WINDOW_HOPPING:
		return "HOPPING";
	case WINDOW_SESSION:
		return "SESSION";
	case WINDOW_NONE:
		break;
	}
	return "";
}

int64_t
window_first_start(const WindowSpec *spec, Time t)
{
	int64_t reach = spec->size_ms - spec->advance_ms;

	/* The lowest multiple of the advance above t - size; none begins before 0. */
	return t <= reach ? 0 : (t - reach) / spec->advance_ms * spec->advance_ms;
}

void
window_print(const WindowSpec *spec, StrBuf *out)
{
	strbuf_printf(out, "%s (", window_kind_name(spec->kind));
	if (spec->kind == WINDOW_SESSION)
		strbuf_printf(out, "%" PRId64 " MILLISECONDS", spec->gap_ms);
	else
		strbuf_printf(out, "SIZE %" PRId64 " MILLISECONDS", spec->size_ms);
	if (spec->kind == WINDOW_HOPPING)
		strbuf_printf(out, ", ADVANCE BY %" PRId64 " MILLISECONDS", spec->advance_ms);
	if (spec->retention_ms > 0)
		strbuf_printf(out, ", RETENTION %" PRId64 " MILLISECONDS", spec->retention_ms);
	if (spec->has_grace)
		strbuf_printf(out, ", GRACE PERIOD %" PRId64 " MILLISECONDS", spec->grace_ms);
	strbuf_add_text(out, ")");
}
