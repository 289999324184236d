// The only place that calls std::to_chars and std::from_chars; data/double_text.c is its one user.
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <system_error>

extern "C" {

// Shortest round-trip digits in scientific form ("1.5e-07"), without a NUL; gives the length.  32 bytes suffice.
size_t
double_chars_scientific(double value, char *text)
{
	return static_cast<size_t>(std::to_chars(text, text + 32, value, std::chars_format::scientific).ptr - text);
}

// Reads all of a well-formed number (no plus sign in front).  Out of range gives what strtod gives, and 1.
int
double_chars_parse(const char *text, size_t length, bool is_hexadecimal, double *out)
{
	auto	format = is_hexadecimal ? std::chars_format::hex : std::chars_format::general;
	auto	result = std::from_chars(text, text + length, *out, format);

	if (result.ec == std::errc::result_out_of_range) {
		std::string	copy(text, length);

		if (is_hexadecimal)
			copy.insert(copy[0] == '-' ? 1 : 0, "0x");
		*out = std::strtod(copy.c_str(), nullptr);
		return 1;
	}
	return 0;
}

}
