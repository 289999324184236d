/* What needs no broker of Kafka's groups: a partition with several readers, and who is given what. */
#include "io/connector/kafka/kafka_tee.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A fetch of records whose offsets are from..to-1, but odd ones only if `gaps`; their keys are their offsets. */
static void
fill(KafkaFetched *fetched, Arena *arena, int64_t from, int64_t to, bool gaps)
{
	*fetched = (KafkaFetched){.records = arena_array(arena, Record, (int)(to - from) + 1)};
	for (int64_t at = from; at < to; at++)
		if (!gaps || at % 2 == 1)
			fetched->records[fetched->n_records++] =
				(Record){.offset = at, .key = str_of(arena_printf(arena, "%lld", (long long)at)), .value_is_null = true};
}

/* Takes what a reader is given next; how many records, which follow the ones before; -1: none are kept. */
static int
take(KafkaTee *tee, int reader, int most, int64_t *next)
{
	KafkaFetched out = {0};
	int			 n = -1;

	if (kafka_tee_give(tee, reader, *next, most, &out, next)) {
		n = out.n_records;
		for (int i = 0; i < n; i++) {
			ck_assert_int_eq(strtoll(out.records[i].key.data, NULL, 10), out.records[i].offset);
			ck_assert(i == 0 || out.records[i].offset > out.records[i - 1].offset);
			ck_assert(out.records[i].offset < *next);
		}
	}
	arena_free(&out.headers);
	free(out.messages);
	free(out.records);
	return n;
}

START_TEST(each_reader_is_given_everything_once)
{
	KafkaTee	*tee = kafka_tee_new(2, 10, NULL, 0);
	Arena		 arena = {0};
	KafkaFetched fetched;
	int64_t		 first = 10, second = 10;

	ck_assert_int_eq(take(tee, 0, 0, &first), -1);
	fill(&fetched, &arena, 10, 20, false);
	kafka_tee_keep(tee, &fetched, 20);
	ck_assert_int_eq(take(tee, 0, 4, &first), 4);
	ck_assert_int_eq(first, 14);
	ck_assert_int_eq(take(tee, 0, 0, &first), 6);
	ck_assert_int_eq(take(tee, 0, 0, &first), -1);
	fill(&fetched, &arena, 20, 30, true);
	kafka_tee_keep(tee, &fetched, 30);
	ck_assert_int_eq(take(tee, 1, 0, &second), 10);
	ck_assert_int_eq(take(tee, 1, 3, &second), 3);
	ck_assert_int_eq(second, 27);
	ck_assert_int_eq(take(tee, 1, 0, &second), 2);
	ck_assert_int_eq(second, 30);
	ck_assert_int_eq(take(tee, 0, 0, &first), 5);
	ck_assert_int_eq(take(tee, 0, 0, &first), -1);
	ck_assert_int_eq(take(tee, 1, 0, &second), -1);
	kafka_tee_free(tee);
	arena_free(&arena);
}
END_TEST

START_TEST(offsets_without_records_are_passed)
{
	KafkaTee	*tee = kafka_tee_new(2, 0, NULL, 0);
	Arena		 arena = {0};
	KafkaFetched fetched;
	int64_t		 first = 0, second = 0;

	fill(&fetched, &arena, 0, 0, false);
	kafka_tee_keep(tee, &fetched, 5);
	ck_assert_int_eq(take(tee, 0, 0, &first), 0);
	ck_assert_int_eq(first, 5);
	/* That nothing has come since is not kept again and again. */
	kafka_tee_keep(tee, &fetched, 5);
	ck_assert_int_eq(take(tee, 0, 0, &first), -1);
	ck_assert_int_eq(take(tee, 1, 0, &second), 0);
	ck_assert_int_eq(second, 5);
	kafka_tee_free(tee);
	arena_free(&arena);
}
END_TEST

START_TEST(positions_come_back_from_what_was_committed)
{
	KafkaTee *tee = kafka_tee_new(3, 7, NULL, 0);
	char	 *metadata;

	ck_assert(!kafka_tee_has_moved(tee));
	kafka_tee_set_position(tee, 0, 12);
	kafka_tee_set_position(tee, 2, 9);
	ck_assert(kafka_tee_has_moved(tee));
	ck_assert_int_eq(kafka_tee_lowest(tee, &metadata), 7);
	ck_assert_str_eq(metadata, "12,7,9");
	kafka_tee_commit(tee);
	ck_assert(!kafka_tee_has_moved(tee));
	kafka_tee_free(tee);
	tee = kafka_tee_new(3, 7, metadata, strlen(metadata));
	ck_assert_int_eq(kafka_tee_committed(tee, 0), 12);
	ck_assert_int_eq(kafka_tee_committed(tee, 1), 7);
	ck_assert_int_eq(kafka_tee_committed(tee, 2), 9);
	kafka_tee_free(tee);
	free(metadata);
}
END_TEST

/* Somebody else's metadata, or that of another plan, tells nothing: all begin at the offset. */
START_TEST(other_metadata_is_left_alone)
{
	static const char *const texts[] = {"", "x", "12", "12,13,14", "12;13", "12,", ",12", "12,13x", "-1,-1", "3,2"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		KafkaTee *tee = kafka_tee_new(2, 7, texts[i], strlen(texts[i]));

		ck_assert_int_eq(kafka_tee_committed(tee, 0), 7);
		ck_assert_int_eq(kafka_tee_committed(tee, 1), 7);
		kafka_tee_free(tee);
	}
}
END_TEST

/* As Kafka's range assignor: the first ones have one more. */
START_TEST(partitions_are_shared_out_in_ranges)
{
	for (int n_members = 1; n_members <= 9; n_members++)
		for (int n_partitions = 1; n_partitions <= 25; n_partitions++) {
			int counts[9] = {0}, before = 0;

			for (int p = 0; p < n_partitions; p++) {
				int member = kafka_range_member(n_members, n_partitions, p);

				ck_assert(member >= before && member < n_members);
				before = member;
				counts[member]++;
			}
			for (int m = 0; m < n_members; m++)
				ck_assert_int_eq(counts[m], n_partitions / n_members + (m < n_partitions % n_members));
		}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("kafka_tee");
	TCase	*tcase = tcase_create("kafka_tee");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(tcase, each_reader_is_given_everything_once);
	tcase_add_test(tcase, offsets_without_records_are_passed);
	tcase_add_test(tcase, positions_come_back_from_what_was_committed);
	tcase_add_test(tcase, other_metadata_is_left_alone);
	tcase_add_test(tcase, partitions_are_shared_out_in_ranges);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed != 0;
}
