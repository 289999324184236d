/*
 * The sets of `sluice datagen`: what the fields are and how their values are drawn.
 *
 * Nexmark follows the benchmark's published parameters: persons, auctions and bids as 1 : 3 : 46, half of all bids on a
 * hot auction, three of four from a hot bidder and of a hot seller, prices spread evenly over six powers of ten.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shell/datagen_impl.h"

#include "common/arena.h"

/* -------------------------------------------------------------------------------------------------- randomness -- */

static uint64_t
rotate_left(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

/* splitmix64 spreads the seed over the state (Vigna's recommendation). */
void
datagen_random_init(DatagenRandom *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15ULL);

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		random->s[i] = z ^ (z >> 31);
	}
}

/* xoshiro256** (Blackman, Vigna). */
static uint64_t
random_bits(DatagenRandom *random)
{
	uint64_t *s = random->s;
	uint64_t  result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/* From 0 to n - 1. */
static int64_t
random_below(DatagenRandom *random, int64_t n)
{
	return (int64_t)(((unsigned __int128)random_bits(random) * (uint64_t)n) >> 64);
}

static int64_t
random_between(DatagenRandom *random, int64_t low, int64_t high)
{
	return low + random_below(random, high - low + 1);
}

/* ------------------------------------------------------------------------------------------------ building rows -- */

static void
row_number(DatagenRow *row, const char *name, int64_t number)
{
	row->fields[row->n_fields++] = (DatagenField){.name = name, .number = number};
}

static void
row_str(DatagenRow *row, const char *group, const char *name, Str text)
{
	row->fields[row->n_fields++] = (DatagenField){.group = group, .name = name, .is_text = true, .text = text};
}

static char *
row_bytes(DatagenRow *row, size_t n)
{
	char *p = row->bytes + row->n_bytes;

	row->n_bytes += n;
	return p;
}

static char *
number_print(char *p, int64_t number)
{
	char digits[20];
	int	 n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

/* A name and a number: Item_184. */
static Str
row_numbered(DatagenRow *row, const char *name, int64_t number)
{
	char *start = row_bytes(row, 48), *p = stpcpy(start, name);

	return str_make(start, (size_t)(number_print(p, number) - start));
}

/* ------------------------------------------------------------------------------------------------- quick start -- */

static void
make_orders(DatagenState *state, DatagenRow *row)
{
	DatagenRandom *random = &state->random;
	int64_t		   tenths;
	char		  *units;

	row_number(row, "ordertime", state->now);
	row_number(row, "orderid", state->index);
	row->key_field = 1;
	row_str(row, NULL, "itemid", row_numbered(row, "Item_", random_between(random, 1, 999)));
	tenths = random_between(random, 1, 99);
	units = row_bytes(row, 4);
	units[0] = (char)('0' + tenths / 10);
	units[1] = '.';
	units[2] = (char)('0' + tenths % 10);
	row->fields[row->n_fields++] = (DatagenField){.name = "orderunits", .text = {units, 3}};
	row_str(row, "address", "city", row_numbered(row, "City_", random_between(random, 1, 99)));
	row_str(row, "address", "state", row_numbered(row, "State_", random_between(random, 1, 99)));
	row->fields[row->n_fields++] =
		(DatagenField){.group = "address", .name = "zipcode", .number = random_between(random, 10000, 99999)};
}

#define YEAR_MS (365 * 86400000LL)

static void
make_users(DatagenState *state, DatagenRow *row)
{
	static const Str genders[] = {{"MALE", 4}, {"FEMALE", 6}, {"OTHER", 5}};
	DatagenRandom	*random = &state->random;

	row_number(row, "registertime", state->now - random_below(random, YEAR_MS));
	row_str(row, NULL, "userid", row_numbered(row, "User_", random_between(random, 1, 9)));
	row->key_field = 1;
	row_str(row, NULL, "regionid", row_numbered(row, "Region_", random_between(random, 1, 9)));
	row_str(row, NULL, "gender", genders[random_below(random, 3)]);
}

static void
make_pageviews(DatagenState *state, DatagenRow *row)
{
	DatagenRandom *random = &state->random;

	row_number(row, "viewtime", state->now);
	row_str(row, NULL, "userid", row_numbered(row, "User_", random_between(random, 1, 9)));
	row->key_field = 1;
	row_str(row, NULL, "pageid", row_numbered(row, "Page_", random_between(random, 10, 99)));
}

/* ------------------------------------------------------------------------------------------------------ Nexmark -- */

#define N_CHANNELS 10000
#define N_HOT_CHANNELS 4
#define URL_SIZE 96
#define PADDING_SIZE (1 << 16)
#define FIRST_ID 1000			/* of persons and auctions */
#define ROUND 50				/* 1 person, 3 auctions, 46 bids */
#define HOT_EVERY 100			/* the newest id that is a multiple of it is the hot one */
#define ACTIVE_PERSONS 1000
#define OPEN_AUCTIONS 100
#define ID_LEAD 10				/* ids that are drawn a little before they exist */

typedef struct DatagenNexmark {
	char url[N_CHANNELS + N_HOT_CHANNELS][URL_SIZE];
	char padding[PADDING_SIZE];
} DatagenNexmark;

/* 3 to max - 1 letters, one in 13 replaced by `gap`; no gap at the ends. */
static char *
word_print(DatagenRandom *random, char *p, int max, char gap)
{
	int n = (int)random_between(random, 3, max - 1);

	for (int i = 0; i < n; i++) {
		bool is_gap = random_below(random, 13) == 0;

		*p++ = is_gap && i > 0 && i < n - 1 ? gap : (char)('a' + random_below(random, 26));
	}
	return p;
}

struct DatagenNexmark *
datagen_nexmark_new(DatagenRandom *random)
{
	DatagenNexmark *nexmark = xcalloc(1, sizeof *nexmark);

	for (int i = 0; i < PADDING_SIZE; i++)
		nexmark->padding[i] = (char)('a' + random_below(random, 26));
	for (int i = 0; i < N_CHANNELS + N_HOT_CHANNELS; i++) {
		char *p = stpcpy(nexmark->url[i], "https://www.nexmark.com/");

		for (int part = 0; part < 3; part++) {
			p = word_print(random, p, 5, '_');
			*p++ = '/';
		}
		p = stpcpy(p, "item.htm?query=1");
		/* Nine of ten plain channels say their number, which a query can take out of the URL. */
		if (i < N_CHANNELS && random_below(random, 10) > 0)
			p = number_print(stpcpy(p, "&channel_id="), random_below(random, INT32_MAX));
		*p = '\0';
	}
	return nexmark;
}

/* Number (from 0) of the newest auction when event `index` happens. */
static int64_t
newest_auction(int64_t index)
{
	int64_t round = index / ROUND, place = index % ROUND;

	if (place == 0)
		return round > 0 ? round * 3 - 1 : 0;
	return round * 3 + (place < 4 ? place - 1 : 2);
}

static int64_t
draw_auction(DatagenState *state)
{
	int64_t newest = newest_auction(state->index), oldest = newest > OPEN_AUCTIONS ? newest - OPEN_AUCTIONS : 0;

	return random_between(&state->random, oldest, newest + ID_LEAD);
}

static int64_t
draw_person(DatagenState *state)
{
	int64_t n_persons = state->index / ROUND + 1, n_active = n_persons < ACTIVE_PERSONS ? n_persons : ACTIVE_PERSONS;

	return n_persons - n_active + random_below(&state->random, n_active + ID_LEAD);
}

/* The hot seller or, one above, the hot bidder. */
static int64_t
hot_person(const DatagenState *state)
{
	return state->index / ROUND / HOT_EVERY * HOT_EVERY;
}

static int64_t
draw_price(DatagenState *state)
{
	double fraction = (double)(random_bits(&state->random) >> 11) * 0x1p-53;

	return llround(pow(10, fraction * 6) * 100);
}

/* Fills the row up to about `wanted` bytes, a fifth more or less, with `have` in it already. */
static void
row_padding(DatagenState *state, DatagenRow *row, int have, int wanted)
{
	int missing = wanted - have, spread = missing / 5;
	int n = missing <= 0 ? 0 : missing - spread + (int)random_below(&state->random, 2 * spread + 1);

	row_str(row, NULL, "extra", str_make(state->nexmark->padding + random_below(&state->random, PADDING_SIZE - n),
										 (size_t)n));
}

static Str
row_word(DatagenState *state, DatagenRow *row, int max)
{
	char *start = row_bytes(row, (size_t)max);

	return str_make(start, (size_t)(word_print(&state->random, start, max, ' ') - start));
}

#define DRAW(state, names) str_of((names)[random_below(&(state)->random, (int64_t)(sizeof(names) / sizeof *(names)))])

static void
make_person(DatagenState *state, DatagenRow *row)
{
	static const char *const first[] = {"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter",
										"Walter"};
	static const char *const last[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones",
									   "Noris"};
	static const char *const cities[] = {"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond",
										 "Seattle", "Kent", "Cheyenne"};
	static const char *const states[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
	char					*start, *p;
	Str						 name, email;

	row_number(row, "id", state->index / ROUND + FIRST_ID);
	start = row_bytes(row, 32);
	p = stpcpy(start, DRAW(state, first).data);
	*p++ = ' ';
	p = stpcpy(p, DRAW(state, last).data);
	name = str_make(start, (size_t)(p - start));
	row_str(row, NULL, "name", name);
	start = row_bytes(row, 32);
	p = word_print(&state->random, start, 7, '.');
	*p++ = '@';
	p = stpcpy(word_print(&state->random, p, 5, '-'), ".com");
	email = str_make(start, (size_t)(p - start));
	row_str(row, NULL, "emailAddress", email);
	start = p = row_bytes(row, 24);
	for (int i = 0; i < 19; i++)
		*p++ = i % 5 == 4 ? ' ' : (char)('0' + random_below(&state->random, 10));
	row_str(row, NULL, "creditCard", str_make(start, 19));
	row_str(row, NULL, "city", DRAW(state, cities));
	row_str(row, NULL, "state", DRAW(state, states));
	row_number(row, "dateTime", state->now);
	row_padding(state, row, 45 + (int)(name.length + email.length), 200);
}

static void
make_auction(DatagenState *state, DatagenRow *row)
{
	Str		item, description;
	int64_t first_bid, seller, open_ms;

	row_number(row, "id", newest_auction(state->index) + FIRST_ID);
	item = row_word(state, row, 20);
	row_str(row, NULL, "itemName", item);
	description = row_word(state, row, 100);
	row_str(row, NULL, "description", description);
	first_bid = draw_price(state);
	row_number(row, "initialBid", first_bid);
	row_number(row, "reserve", first_bid + draw_price(state));
	row_number(row, "dateTime", state->now);
	/* It stays open for about as long as OPEN_AUCTIONS others need to begin. */
	open_ms = (int64_t)(2 * state->auction_ms * OPEN_AUCTIONS);
	row_number(row, "expires", state->now + 1 + random_below(&state->random, open_ms > 1 ? open_ms : 1));
	seller = random_below(&state->random, 4) > 0 ? hot_person(state) : draw_person(state);
	row_number(row, "seller", seller + FIRST_ID);
	row_number(row, "category", random_between(&state->random, 10, 14));
	row_padding(state, row, 48 + (int)(item.length + description.length), 500);
}

static void
make_bid(DatagenState *state, DatagenRow *row)
{
	static const char *const hot[N_HOT_CHANNELS] = {"Google", "Facebook", "Baidu", "Apple"};
	bool	is_hot_auction = random_below(&state->random, 2) > 0, is_hot_bidder = random_below(&state->random, 4) > 0;
	int64_t auction = is_hot_auction ? newest_auction(state->index) / HOT_EVERY * HOT_EVERY : draw_auction(state);
	int64_t bidder = is_hot_bidder ? hot_person(state) + 1 : draw_person(state);
	bool	is_hot_channel = random_below(&state->random, 2) > 0;
	int64_t channel = is_hot_channel ? random_below(&state->random, N_HOT_CHANNELS) : random_below(&state->random, N_CHANNELS);

	row_number(row, "auction", auction + FIRST_ID);
	row_number(row, "bidder", bidder + FIRST_ID);
	row_number(row, "price", draw_price(state));
	row_str(row, NULL, "channel", is_hot_channel ? str_of(hot[channel]) : row_numbered(row, "channel-", channel));
	row_str(row, NULL, "url", str_of(state->nexmark->url[is_hot_channel ? N_CHANNELS + channel : channel]));
	row_number(row, "dateTime", state->now);
	row_padding(state, row, 32, 100);
}

/* Row n of one kind is the event in which the mixed set has it, so that ids fit together across the sets. */
static void
make_persons(DatagenState *state, DatagenRow *row)
{
	state->index = state->index * ROUND;
	make_person(state, row);
}

static void
make_auctions(DatagenState *state, DatagenRow *row)
{
	state->index = state->index / 3 * ROUND + 1 + state->index % 3;
	state->auction_ms = state->interval_ms;
	make_auction(state, row);
}

static void
make_bids(DatagenState *state, DatagenRow *row)
{
	state->index = state->index / 46 * ROUND + 4 + state->index % 46;
	make_bid(state, row);
}

const char *const datagen_nexmark_kinds[3] = {"person", "auction", "bid"};

static void
make_nexmark(DatagenState *state, DatagenRow *row)
{
	int place = (int)(state->index % ROUND);

	state->auction_ms = state->interval_ms * ROUND / 3;
	row->kind = place == 0 ? 0 : place < 4 ? 1 : 2;
	(row->kind == 0 ? make_person : row->kind == 1 ? make_auction : make_bid)(state, row);
}

#define START_2024 1704067200000LL
#define START_NEXMARK 1436918400000LL

#define PERSON_COLUMNS "id BIGINT, name VARCHAR, emailAddress VARCHAR, creditCard VARCHAR, city VARCHAR, state VARCHAR, " \
	"dateTime BIGINT, extra VARCHAR"
#define AUCTION_COLUMNS "id BIGINT, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT, " \
	"dateTime BIGINT, expires BIGINT, seller BIGINT, category BIGINT, extra VARCHAR"
#define BID_COLUMNS "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, dateTime BIGINT, extra VARCHAR"

/* In event time Nexmark has 10,000 events a second: the sets of one kind are as far apart as within the mixture. */
const DatagenSet datagen_sets[] = {
	{"orders", "orders of items, with a nested address",
	 "ordertime BIGINT, orderid INT, itemid VARCHAR, orderunits DOUBLE, address STRUCT<city VARCHAR, state VARCHAR, "
	 "zipcode BIGINT>",
	 "ordertime,orderid,itemid,orderunits,address_city,address_state,address_zipcode", "ordertime", START_2024, 1000, false,
	 make_orders},
	{"users", "registrations of nine users, changing again and again",
	 "registertime BIGINT, userid VARCHAR, regionid VARCHAR, gender VARCHAR", "registertime,userid,regionid,gender",
	 "registertime", START_2024, 1000, false, make_users},
	{"pageviews", "pages that users looked at", "viewtime BIGINT, userid VARCHAR, pageid VARCHAR", "viewtime,userid,pageid",
	 "viewtime", START_2024, 1000, false, make_pageviews},
	{"nexmark", "Nexmark: persons, auctions and bids as they happen, as {\"event_type\":2,\"bid\":{...}}",
	 "event_type INT, person STRUCT<" PERSON_COLUMNS ">, auction STRUCT<" AUCTION_COLUMNS ">, bid STRUCT<" BID_COLUMNS ">",
	 NULL, NULL, START_NEXMARK, 0.1, true, make_nexmark},
	{"persons", "Nexmark: people who sell and bid", PERSON_COLUMNS,
	 "id,name,emailAddress,creditCard,city,state,dateTime,extra", "dateTime", START_NEXMARK, 5, true, make_persons},
	{"auctions", "Nexmark: items for sale", AUCTION_COLUMNS,
	 "id,itemName,description,initialBid,reserve,dateTime,expires,seller,category,extra", "dateTime", START_NEXMARK, 5.0 / 3,
	 true, make_auctions},
	{"bids", "Nexmark: bids on them", BID_COLUMNS, "auction,bidder,price,channel,url,dateTime,extra", "dateTime",
	 START_NEXMARK, 5.0 / 46, true, make_bids},
};

const int datagen_n_sets = (int)(sizeof datagen_sets / sizeof *datagen_sets);
