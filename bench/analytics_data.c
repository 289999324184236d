/*
 * Makes the data of bench/analytics.py as CSV: the same bytes for the same arguments on every machine.
 *
 *	analytics_data tpch SCALE DIRECTORY		the eight tables of TPC-H; scale 1 has 6 million rows of lineitem
 *	analytics_data h2o ROWS DIRECTORY		G1.csv of the group-by questions; x, small, medium, big.csv of the joins
 *	analytics_data stations ROWS DIRECTORY	stations.txt: station;temperature, no header
 *
 * Schema, cardinalities, value ranges and dependencies between columns are those of the TPC-H specification (revision 3, clause 4.2); the random
 * numbers are this program's own, so that answers are not those published for the reference generator.  The h2o files are as the public db-benchmark
 * describes them: 100 groups in the small columns, rows / 100 in the large ones, no NULLs.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum
{
	POOL_BYTES = 1 << 22,		/* of English-like text that comments are cut from */
	BUFFER_BYTES = 1 << 20,
	DATE_FIRST = 8035,			/* 1992-01-01 in days since 1970 */
	DATE_LAST_ORDER = 10440,	/* 1998-08-02 = 1998-12-31 less 151 days */
	DATE_CURRENT = 9298,		/* 1995-06-17 */
	STATIONS = 413
};

static const char *const NATIONS[] = {"ALGERIA", "ARGENTINA", "BRAZIL", "CANADA", "EGYPT", "ETHIOPIA", "FRANCE", "GERMANY", "INDIA", "INDONESIA", "IRAN", "IRAQ", "JAPAN", "JORDAN",
	"KENYA", "MOROCCO", "MOZAMBIQUE", "PERU", "CHINA", "ROMANIA", "SAUDI ARABIA", "VIETNAM", "RUSSIA", "UNITED KINGDOM", "UNITED STATES"};
static const int		 NATION_REGIONS[] = {0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1};
static const char *const REGIONS[] = {"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"};
static const char *const COLOURS[] = {"almond", "antique", "aquamarine", "azure", "beige", "bisque", "black", "blanched", "blue", "blush", "brown", "burlywood", "burnished",
	"chartreuse", "chiffon", "chocolate", "coral", "cornflower", "cornsilk", "cream", "cyan", "dark", "deep", "dim", "dodger", "drab", "firebrick", "floral", "forest", "frosted",
	"gainsboro", "ghost", "goldenrod", "green", "grey", "honeydew", "hot", "indian", "ivory", "khaki", "lace", "lavender", "lawn", "lemon", "light", "lime", "linen", "magenta",
	"maroon", "medium", "metallic", "midnight", "mint", "misty", "moccasin", "navajo", "navy", "olive", "orange", "orchid", "pale", "papaya", "peach", "peru", "pink", "plum", "powder",
	"puff", "purple", "red", "rose", "rosy", "royal", "saddle", "salmon", "sandy", "seashell", "sienna", "sky", "slate", "smoke", "snow", "spring", "steel", "tan", "thistle", "tomato",
	"turquoise", "violet", "wheat", "white", "yellow"};
static const char *const TYPES_1[] = {"STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"};
static const char *const TYPES_2[] = {"ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"};
static const char *const TYPES_3[] = {"TIN", "NICKEL", "BRASS", "STEEL", "COPPER"};
static const char *const CONTAINERS_1[] = {"SM", "LG", "MED", "JUMBO", "WRAP"};
static const char *const CONTAINERS_2[] = {"CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM"};
static const char *const SEGMENTS[] = {"AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"};
static const char *const PRIORITIES[] = {"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"};
static const char *const INSTRUCTIONS[] = {"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"};
static const char *const MODES[] = {"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"};
static const char *const NOUNS[] = {"foxes", "ideas", "theodolites", "pinto beans", "instructions", "dependencies", "excuses", "platelets", "asymptotes", "courts", "dolphins",
	"multipliers", "sauternes", "warthogs", "frets", "dinos", "attainments", "somas", "Tiresias'", "patterns", "forges", "braids", "hockey players", "frays", "warhorses", "dugouts",
	"notornis", "epitaphs", "pearls", "tithes", "waters", "orbits", "gifts", "sheaves", "depths", "sentiments", "decoys", "realms", "pains", "grouches", "escapades", "packages",
	"requests", "accounts", "deposits"};
static const char *const VERBS[] = {"sleep", "wake", "are", "cajole", "haggle", "nag", "use", "boost", "affix", "detect", "integrate", "maintain", "nod", "was", "lose", "sublate", "solve",
	"thrash", "promise", "engage", "hinder", "print", "x-ray", "breach", "eat", "grow", "impress", "mold", "poach", "serve", "run", "dazzle", "snooze", "doze", "unwind", "kindle",
	"play", "hang", "believe", "doubt"};
static const char *const ADJECTIVES[] = {"furious", "sly", "careful", "blithe", "quick", "fluffy", "slow", "quiet", "ruthless", "thin", "close", "dogged", "daring", "brave", "stealthy",
	"permanent", "enticing", "idle", "busy", "regular", "final", "ironic", "even", "bold", "silent", "special", "pending", "express", "unusual"};
static const char *const ADVERBS[] = {"sometimes", "always", "never", "furiously", "slyly", "carefully", "blithely", "quickly", "fluffily", "slowly", "quietly", "ruthlessly", "thinly",
	"closely", "doggedly", "daringly", "bravely", "stealthily", "permanently", "enticingly", "idly", "busily", "regularly", "finally", "ironically", "evenly", "boldly", "silently"};
static const char *const PREPOSITIONS[] = {"about", "above", "according to", "across", "after", "against", "along", "among", "around", "at", "atop", "before", "behind", "beneath", "beside",
	"besides", "between", "beyond", "by", "despite", "during", "except", "for", "from", "inside", "into", "near", "of", "on", "outside", "over", "past", "since", "through", "to",
	"toward", "under", "until", "up", "upon", "with", "without"};

typedef struct Random
{
	uint64_t state;
} Random;

static char pool[POOL_BYTES + 256];

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
random_next(Random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* From low to high, both included; ranges are far below 2^32, so that the bias of the multiplication does not matter. */
static int64_t
random_between(Random *random, int64_t low, int64_t high)
{
	return low + (int64_t)((random_next(random) >> 32) * (uint64_t)(high - low + 1) >> 32);
}

#define RANDOM_OF(random, words) ((words)[random_between(random, 0, (int64_t)COUNT(words) - 1)])

static void
die(const char *what, const char *path)
{
	fprintf(stderr, "analytics_data: %s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

static FILE *
file_new(const char *directory, const char *name, const char *header)
{
	char  path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, "w");
	if (file == NULL)
		die("can't write", path);
	setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
	fputs(header, file);
	return file;
}

static void
file_end(FILE *file, const char *name)
{
	if (ferror(file) || fclose(file) != 0)
		die("can't write", name);
}

static void
put_text(FILE *file, const char *text)
{
	fputs_unlocked(text, file);
}

static void
put_int(FILE *file, int64_t value)
{
	char	 digits[24];
	char	*at = digits + sizeof digits - 1;
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

	*at = '\0';
	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		*--at = '-';
	put_text(file, at);
}

/* name#000000007 */
static void
put_numbered(FILE *file, const char *name, int64_t number)
{
	char text[64];

	snprintf(text, sizeof text, "%s#%09lld", name, (long long)number);
	put_text(file, text);
}

static void
put_cents(FILE *file, int64_t cents)
{
	int64_t size = cents < 0 ? -cents : cents;

	if (cents < 0)
		putc_unlocked('-', file);
	put_int(file, size / 100);
	putc_unlocked('.', file);
	putc_unlocked((int)('0' + size % 100 / 10), file);
	putc_unlocked((int)('0' + size % 10), file);
}

/* Days since 1970 as a date, of the Gregorian calendar after 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms"). */
static void
put_date(FILE *file, int64_t days)
{
	int64_t z = days + 719468, era = z / 146097, of_era = z % 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_shifted = (5 * of_year + 2) / 153;
	int64_t month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
	int		day = (int)(of_year - (153 * month_shifted + 2) / 5 + 1);
	char	text[] = "0000-00-00";
	int64_t year = year_of_era + era * 400 + (month <= 2);

	for (int i = 3; i >= 0; i--, year /= 10)
		text[i] = (char)('0' + year % 10);
	text[5] = (char)('0' + month / 10);
	text[6] = (char)('0' + month % 10);
	text[8] = (char)('0' + day / 10);
	text[9] = (char)('0' + day % 10);
	put_text(file, text);
}

/* In quotes where RFC 4180 asks for them; the texts made here have no quotes or line ends in them. */
static void
put_field(FILE *file, const char *text, size_t length)
{
	bool is_quoted = memchr(text, ',', length) != NULL;

	if (is_quoted)
		putc_unlocked('"', file);
	fwrite_unlocked(text, 1, length, file);
	if (is_quoted)
		putc_unlocked('"', file);
}

static void
put_comment(FILE *file, Random *random, int low, int high)
{
	size_t length = (size_t)random_between(random, low, high);

	put_field(file, pool + random_between(random, 0, POOL_BYTES - high - 1), length);
}

static void
put_address(FILE *file, Random *random)
{
	static const char LETTERS[] = "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,.";
	char			  text[40];
	size_t			  length = (size_t)random_between(random, 10, 40);

	for (size_t i = 0; i < length; i++)
		text[i] = LETTERS[random_between(random, 0, (int64_t)sizeof LETTERS - 2)];
	/* A space at an end is a matter in which readers of CSV differ. */
	text[0] = text[0] == ' ' ? 'a' : text[0];
	text[length - 1] = text[length - 1] == ' ' ? 'z' : text[length - 1];
	put_field(file, text, length);
}

static void
put_phone(FILE *file, Random *random, int64_t nation)
{
	char text[32];

	snprintf(text, sizeof text, "%d-%03d-%03d-%04d", (int)nation + 10, (int)random_between(random, 100, 999), (int)random_between(random, 100, 999),
			 (int)random_between(random, 1000, 9999));
	put_text(file, text);
}

/* Columns of a row: put_* calls between commas. */
#define COMMA(file) putc_unlocked(',', file)
#define END_OF_ROW(file) putc_unlocked('\n', file)

static void
pool_word(size_t *size, const char *word, const char *after)
{
	*size += (size_t)snprintf(pool + *size, sizeof pool - *size, "%s%s", word, after);
}

static void
pool_noun_phrase(size_t *size, Random *random)
{
	int64_t form = random_between(random, 0, 3);

	if (form == 1)
		pool_word(size, RANDOM_OF(random, ADJECTIVES), " ");
	else if (form == 2) {
		pool_word(size, RANDOM_OF(random, ADJECTIVES), ", ");
		pool_word(size, RANDOM_OF(random, ADJECTIVES), " ");
	} else if (form == 3) {
		pool_word(size, RANDOM_OF(random, ADVERBS), " ");
		pool_word(size, RANDOM_OF(random, ADJECTIVES), " ");
	}
	pool_word(size, RANDOM_OF(random, NOUNS), " ");
}

/* Sentences of the forms that clause 4.2.2.14 has: subject, verb, now and then with a preposition. */
static void
pool_fill(void)
{
	Random random = {14};
	size_t size = 0;

	while (size < POOL_BYTES) {
		pool_noun_phrase(&size, &random);
		pool_word(&size, RANDOM_OF(&random, VERBS), " ");
		if (random_between(&random, 0, 1) == 0)
			pool_word(&size, RANDOM_OF(&random, ADVERBS), " ");
		if (random_between(&random, 0, 1) == 0) {
			pool_word(&size, RANDOM_OF(&random, PREPOSITIONS), " the ");
			pool_noun_phrase(&size, &random);
		}
		pool[size - 1] = ".;:?!-"[random_between(&random, 0, 5)];
		pool[size++] = ' ';
	}
}

static int64_t
rows_at(double scale, int64_t rows)
{
	int64_t n = (int64_t)((double)rows * scale);

	return n < 1 ? 1 : n;
}

static int64_t
retail_price(int64_t part)
{
	return 90000 + part / 10 % 20001 + 100 * (part % 1000);
}

/* The supplier i (0 to 3) of a part. */
static int64_t
supplier_of(int64_t part, int64_t i, int64_t suppliers)
{
	return (part + i * (suppliers / 4 + (part - 1) / suppliers)) % suppliers + 1;
}

static void
make_nations(const char *directory)
{
	FILE  *regions = file_new(directory, "region.csv", "r_regionkey,r_name,r_comment\n");
	FILE  *nations = file_new(directory, "nation.csv", "n_nationkey,n_name,n_regionkey,n_comment\n");
	Random random = {1};

	for (size_t i = 0; i < COUNT(REGIONS); i++) {
		fprintf(regions, "%zu,%s,", i, REGIONS[i]);
		put_comment(regions, &random, 31, 115);
		END_OF_ROW(regions);
	}
	for (size_t i = 0; i < COUNT(NATIONS); i++) {
		fprintf(nations, "%zu,%s,%d,", i, NATIONS[i], NATION_REGIONS[i]);
		put_comment(nations, &random, 31, 114);
		END_OF_ROW(nations);
	}
	file_end(regions, "region.csv");
	file_end(nations, "nation.csv");
}

static void
make_suppliers(const char *directory, int64_t rows)
{
	FILE  *file = file_new(directory, "supplier.csv", "s_suppkey,s_name,s_address,s_nationkey,s_phone,s_acctbal,s_comment\n");
	Random random = {2};

	for (int64_t key = 1; key <= rows; key++) {
		int64_t nation = random_between(&random, 0, 24);
		/* Five of 10,000 are complained about, five recommended. */
		int64_t fate = random_between(&random, 1, 2000);

		put_int(file, key);
		COMMA(file);
		put_numbered(file, "Supplier", key);
		COMMA(file);
		put_address(file, &random);
		COMMA(file);
		put_int(file, nation);
		COMMA(file);
		put_phone(file, &random, nation);
		COMMA(file);
		put_cents(file, random_between(&random, -99999, 999999));
		COMMA(file);
		if (fate == 1)
			put_text(file, "the Customer of them carefully Complaints");
		else if (fate == 2)
			put_text(file, "the Customer of them carefully Recommends");
		else
			put_comment(file, &random, 25, 100);
		END_OF_ROW(file);
	}
	file_end(file, "supplier.csv");
}

/* Five colours, all different. */
static void
put_part_name(FILE *file, Random *random)
{
	size_t chosen[5];

	for (int i = 0; i < 5; i++) {
		bool is_new;

		do {
			chosen[i] = (size_t)random_between(random, 0, (int64_t)COUNT(COLOURS) - 1);
			is_new = true;
			for (int j = 0; j < i; j++)
				is_new = is_new && chosen[j] != chosen[i];
		} while (!is_new);
		if (i > 0)
			putc_unlocked(' ', file);
		put_text(file, COLOURS[chosen[i]]);
	}
}

static void
make_parts(const char *directory, int64_t rows, int64_t suppliers)
{
	FILE  *parts = file_new(directory, "part.csv", "p_partkey,p_name,p_mfgr,p_brand,p_type,p_size,p_container,p_retailprice,p_comment\n");
	FILE  *offers = file_new(directory, "partsupp.csv", "ps_partkey,ps_suppkey,ps_availqty,ps_supplycost,ps_comment\n");
	Random random = {3};

	for (int64_t key = 1; key <= rows; key++) {
		int maker = (int)random_between(&random, 1, 5);

		put_int(parts, key);
		COMMA(parts);
		put_part_name(parts, &random);
		fprintf(parts, ",Manufacturer#%d,Brand#%d%d,", maker, maker, (int)random_between(&random, 1, 5));
		put_text(parts, RANDOM_OF(&random, TYPES_1));
		putc_unlocked(' ', parts);
		put_text(parts, RANDOM_OF(&random, TYPES_2));
		putc_unlocked(' ', parts);
		put_text(parts, RANDOM_OF(&random, TYPES_3));
		COMMA(parts);
		put_int(parts, random_between(&random, 1, 50));
		COMMA(parts);
		put_text(parts, RANDOM_OF(&random, CONTAINERS_1));
		putc_unlocked(' ', parts);
		put_text(parts, RANDOM_OF(&random, CONTAINERS_2));
		COMMA(parts);
		put_cents(parts, retail_price(key));
		COMMA(parts);
		put_comment(parts, &random, 5, 22);
		END_OF_ROW(parts);
		for (int64_t i = 0; i < 4; i++) {
			put_int(offers, key);
			COMMA(offers);
			put_int(offers, supplier_of(key, i, suppliers));
			COMMA(offers);
			put_int(offers, random_between(&random, 1, 9999));
			COMMA(offers);
			put_cents(offers, random_between(&random, 100, 100000));
			COMMA(offers);
			put_comment(offers, &random, 49, 198);
			END_OF_ROW(offers);
		}
	}
	file_end(parts, "part.csv");
	file_end(offers, "partsupp.csv");
}

static void
make_customers(const char *directory, int64_t rows)
{
	FILE  *file = file_new(directory, "customer.csv", "c_custkey,c_name,c_address,c_nationkey,c_phone,c_acctbal,c_mktsegment,c_comment\n");
	Random random = {4};

	for (int64_t key = 1; key <= rows; key++) {
		int64_t nation = random_between(&random, 0, 24);

		put_int(file, key);
		COMMA(file);
		put_numbered(file, "Customer", key);
		COMMA(file);
		put_address(file, &random);
		COMMA(file);
		put_int(file, nation);
		COMMA(file);
		put_phone(file, &random, nation);
		COMMA(file);
		put_cents(file, random_between(&random, -99999, 999999));
		COMMA(file);
		put_text(file, RANDOM_OF(&random, SEGMENTS));
		COMMA(file);
		put_comment(file, &random, 29, 116);
		END_OF_ROW(file);
	}
	file_end(file, "customer.csv");
}

/* What the lines of an order say about it. */
typedef struct OrderSum
{
	double	price; /* with discount and tax, in cents */
	int64_t open, lines;
} OrderSum;

static void
make_line(FILE *file, Random *random, int64_t order, int64_t number, int64_t ordered, int64_t parts, int64_t suppliers, OrderSum *sum)
{
	int64_t part = random_between(random, 1, parts), quantity = random_between(random, 1, 50);
	int64_t discount = random_between(random, 0, 10), tax = random_between(random, 0, 8);
	int64_t price = quantity * retail_price(part);
	int64_t shipped = ordered + random_between(random, 1, 121), committed = ordered + random_between(random, 30, 90);
	int64_t received = shipped + random_between(random, 1, 30);

	put_int(file, order);
	COMMA(file);
	put_int(file, part);
	COMMA(file);
	put_int(file, supplier_of(part, random_between(random, 0, 3), suppliers));
	COMMA(file);
	put_int(file, number);
	COMMA(file);
	put_int(file, quantity);
	COMMA(file);
	put_cents(file, price);
	COMMA(file);
	put_cents(file, discount);
	COMMA(file);
	put_cents(file, tax);
	COMMA(file);
	putc_unlocked(received > DATE_CURRENT ? 'N' : random_between(random, 0, 1) == 0 ? 'R' : 'A', file);
	COMMA(file);
	putc_unlocked(shipped > DATE_CURRENT ? 'O' : 'F', file);
	COMMA(file);
	put_date(file, shipped);
	COMMA(file);
	put_date(file, committed);
	COMMA(file);
	put_date(file, received);
	COMMA(file);
	put_text(file, RANDOM_OF(random, INSTRUCTIONS));
	COMMA(file);
	put_text(file, RANDOM_OF(random, MODES));
	COMMA(file);
	put_comment(file, random, 10, 43);
	END_OF_ROW(file);
	sum->price += (double)price * (double)(100 - discount) * (double)(100 + tax) / 10000;
	sum->open += shipped > DATE_CURRENT;
	sum->lines++;
}

static void
make_orders(const char *directory, int64_t rows, int64_t customers, int64_t parts, int64_t suppliers, int64_t clerks)
{
	FILE  *orders = file_new(directory, "orders.csv",
							 "o_orderkey,o_custkey,o_orderstatus,o_totalprice,o_orderdate,o_orderpriority,o_clerk,o_shippriority,o_comment\n");
	FILE  *lines = file_new(directory, "lineitem.csv",
							"l_orderkey,l_partkey,l_suppkey,l_linenumber,l_quantity,l_extendedprice,l_discount,l_tax,l_returnflag,l_linestatus,"
							"l_shipdate,l_commitdate,l_receiptdate,l_shipinstruct,l_shipmode,l_comment\n");
	Random random = {5};

	for (int64_t i = 0; i < rows; i++) {
		/* Keys are the first 8 of each 32; every third customer has no orders. */
		int64_t	 key = i / 8 * 32 + i % 8 + 1;
		int64_t	 customer = random_between(&random, 1, customers);
		int64_t	 date = random_between(&random, DATE_FIRST, DATE_LAST_ORDER), n_lines = random_between(&random, 1, 7);
		OrderSum sum = {0};

		customer -= customer % 3 == 0;
		for (int64_t line = 1; line <= n_lines; line++)
			make_line(lines, &random, key, line, date, parts, suppliers, &sum);
		put_int(orders, key);
		COMMA(orders);
		put_int(orders, customer);
		COMMA(orders);
		putc_unlocked(sum.open == 0 ? 'F' : sum.open == sum.lines ? 'O' : 'P', orders);
		COMMA(orders);
		put_cents(orders, llround(sum.price));
		COMMA(orders);
		put_date(orders, date);
		COMMA(orders);
		put_text(orders, RANDOM_OF(&random, PRIORITIES));
		COMMA(orders);
		put_numbered(orders, "Clerk", random_between(&random, 1, clerks));
		put_text(orders, ",0,");
		put_comment(orders, &random, 19, 78);
		END_OF_ROW(orders);
	}
	file_end(orders, "orders.csv");
	file_end(lines, "lineitem.csv");
}

static void
make_tpch(double scale, const char *directory)
{
	/* Below 50 suppliers some would be twice among the four of a part. */
	int64_t suppliers = rows_at(scale, 10000) < 50 ? 50 : rows_at(scale, 10000), customers = rows_at(scale, 150000), parts = rows_at(scale, 200000);

	pool_fill();
	make_nations(directory);
	make_suppliers(directory, suppliers);
	make_parts(directory, parts, suppliers);
	make_customers(directory, customers);
	make_orders(directory, rows_at(scale, 1500000), customers, parts, suppliers, rows_at(scale, 1000));
}

/* id and a number in as many digits as the largest has. */
static void
put_id(FILE *file, int width, int64_t number)
{
	char text[32];

	snprintf(text, sizeof text, "id%0*lld", width, (long long)number);
	put_text(file, text);
}

/* With six decimals, as R writes runif(). */
static void
put_millionths(FILE *file, int64_t millionths)
{
	char text[32];

	snprintf(text, sizeof text, "%lld.%06lld", (long long)(millionths / 1000000), (long long)(millionths % 1000000));
	put_text(file, text);
}

static void
make_group_by(int64_t rows, const char *directory)
{
	FILE   *file = file_new(directory, "G1.csv", "id1,id2,id3,id4,id5,id6,v1,v2,v3\n");
	Random	random = {6};
	int64_t large = rows / 100 < 1 ? 1 : rows / 100;

	for (int64_t i = 0; i < rows; i++) {
		put_id(file, 3, random_between(&random, 1, 100));
		COMMA(file);
		put_id(file, 3, random_between(&random, 1, 100));
		COMMA(file);
		put_id(file, 10, random_between(&random, 1, large));
		COMMA(file);
		put_int(file, random_between(&random, 1, 100));
		COMMA(file);
		put_int(file, random_between(&random, 1, 100));
		COMMA(file);
		put_int(file, random_between(&random, 1, large));
		COMMA(file);
		put_int(file, random_between(&random, 1, 5));
		COMMA(file);
		put_int(file, random_between(&random, 1, 15));
		COMMA(file);
		put_millionths(file, random_between(&random, 0, 100000000));
		END_OF_ROW(file);
	}
	file_end(file, "G1.csv");
}

/*
 * A right side of a join: rows with keys all different, in random order, of which nine in ten are in x (whose keys are 1 to rows, against
 * rows / 10 + 1 and so on here).  level is how many of the key columns there are.
 */
static void
make_right_side(const char *directory, const char *name, int64_t rows, int level, int64_t medium, int64_t small)
{
	static const char *const HEADERS[] = {"id1,id4,v2\n", "id1,id2,id4,id5,v2\n", "id1,id2,id3,id4,id5,id6,v2\n"};
	FILE					*file = file_new(directory, name, HEADERS[level - 1]);
	Random					 random = {(uint64_t)(6 + level)};
	int64_t					*keys = calloc((size_t)rows, sizeof *keys);

	if (keys == NULL)
		die("no memory for", name);
	for (int64_t i = 0; i < rows; i++) {
		int64_t j = random_between(&random, 0, i);

		keys[i] = keys[j];
		keys[j] = rows / 10 + i + 1;
	}
	for (int64_t i = 0; i < rows; i++) {
		int64_t ids[] = {random_between(&random, 1, small), random_between(&random, 1, medium), 0};

		ids[level - 1] = keys[i];
		for (int k = 0; k < level; k++) {
			put_int(file, ids[k]);
			COMMA(file);
		}
		for (int k = 0; k < level; k++) {
			put_id(file, 1, ids[k]);
			COMMA(file);
		}
		put_millionths(file, random_between(&random, 0, 100000000));
		END_OF_ROW(file);
	}
	free(keys);
	file_end(file, name);
}

static void
make_joins(int64_t rows, const char *directory)
{
	FILE   *file = file_new(directory, "x.csv", "id1,id2,id3,id4,id5,id6,v1\n");
	Random	random = {10};
	int64_t medium = rows / 1000 < 10 ? 10 : rows / 1000, small = rows / 1000000 < 10 ? 10 : rows / 1000000;

	for (int64_t i = 0; i < rows; i++) {
		int64_t ids[] = {random_between(&random, 1, small), random_between(&random, 1, medium), random_between(&random, 1, rows)};

		for (int k = 0; k < 3; k++) {
			put_int(file, ids[k]);
			COMMA(file);
		}
		for (int k = 0; k < 3; k++) {
			put_id(file, 1, ids[k]);
			COMMA(file);
		}
		put_millionths(file, random_between(&random, 0, 100000000));
		END_OF_ROW(file);
	}
	file_end(file, "x.csv");
	make_right_side(directory, "small.csv", small, 1, medium, small);
	make_right_side(directory, "medium.csv", medium, 2, medium, small);
	make_right_side(directory, "big.csv", rows, 3, medium, small);
}

static void
make_stations(int64_t rows, const char *directory)
{
	FILE  *file = file_new(directory, "stations.txt", "");
	Random random = {11};
	int	   means[STATIONS];
	char   names[STATIONS][32];

	for (int i = 0; i < STATIONS; i++) {
		means[i] = (int)random_between(&random, -150, 300);
		snprintf(names[i], sizeof names[i], "Station %.*s%d", (int)random_between(&random, 0, 8), "of North", i);
	}
	for (int64_t i = 0; i < rows; i++) {
		int64_t station = random_between(&random, 0, STATIONS - 1);
		/* Three uniform numbers added are near enough to a normal one: standard deviation 10 degrees. */
		int64_t tenths = means[station], size;

		for (int k = 0; k < 3; k++)
			tenths += random_between(&random, -100, 100);
		size = tenths < 0 ? -tenths : tenths;
		put_text(file, names[station]);
		putc_unlocked(';', file);
		if (tenths < 0)
			putc_unlocked('-', file);
		put_int(file, size / 10);
		putc_unlocked('.', file);
		putc_unlocked((int)('0' + size % 10), file);
		END_OF_ROW(file);
	}
	file_end(file, "stations.txt");
}

int
main(int argc, char **argv)
{
	double size = argc == 4 ? strtod(argv[2], NULL) : 0;

	if (size <= 0) {
		fprintf(stderr, "usage: analytics_data tpch SCALE DIRECTORY | h2o ROWS DIRECTORY | stations ROWS DIRECTORY\n");
		return 2;
	}
	if (strcmp(argv[1], "tpch") == 0)
		make_tpch(size, argv[3]);
	else if (strcmp(argv[1], "h2o") == 0) {
		make_group_by((int64_t)size, argv[3]);
		make_joins((int64_t)size, argv[3]);
	} else if (strcmp(argv[1], "stations") == 0)
		make_stations((int64_t)size, argv[3]);
	else {
		fprintf(stderr, "analytics_data: there is no data set %s: tpch, h2o, stations\n", argv[1]);
		return 2;
	}
	return 0;
}
