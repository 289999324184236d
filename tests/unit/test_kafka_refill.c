/* When a partition's queue is said to need filling: what needs no broker. */
#include "io/connector/kafka/kafka_impl.h"

#include <check.h>

#define LATER 200000000		/* ns: longer than the pause between two questions */

/* Takes 100 a time from a queue that nothing comes into; how many questions that makes. */
static int
drain(KafkaRefill *refill, int64_t from, Nanos *now)
{
	int n_asked = 0;

	for (int64_t level = from; level > 0; level -= 100)
		n_asked += kafka_refill_is_due(refill, level, level - 100, *now += LATER);
	return n_asked;
}

START_TEST(asks_when_half_is_gone)
{
	KafkaRefill refill = {0};
	Nanos		now = LATER;

	ck_assert(!kafka_refill_is_due(&refill, 10000, 8000, now += LATER));
	ck_assert(!kafka_refill_is_due(&refill, 8000, 6000, now += LATER));
	ck_assert(kafka_refill_is_due(&refill, 6000, 4000, now += LATER));
	ck_assert(!kafka_refill_is_due(&refill, 4000, 3000, now += LATER));
	ck_assert(kafka_refill_is_due(&refill, 3000, 2000, now += LATER));
}
END_TEST

/* A backlog's end is no reason to go on asking. */
START_TEST(asks_a_few_times_while_nothing_comes)
{
	KafkaRefill refill = {0};
	Nanos		now = LATER;
	int			n_asked = drain(&refill, 10000, &now);

	ck_assert_int_ge(n_asked, 5);
	ck_assert_int_le(n_asked, 10);
	for (int i = 0; i < 10; i++)
		ck_assert(!kafka_refill_is_due(&refill, 0, 0, now += LATER));
}
END_TEST

START_TEST(what_comes_counts_from_then_on)
{
	KafkaRefill refill = {0};
	Nanos		now = LATER;

	drain(&refill, 10000, &now);
	ck_assert(!kafka_refill_is_due(&refill, 20000, 18000, now += LATER));
	ck_assert(!kafka_refill_is_due(&refill, 18000, 12000, now += LATER));
	ck_assert(kafka_refill_is_due(&refill, 12000, 9000, now += LATER));
}
END_TEST

START_TEST(asks_not_twice_in_a_moment)
{
	KafkaRefill refill = {0};
	Nanos		now = LATER;

	ck_assert(kafka_refill_is_due(&refill, 10000, 5000, now));
	ck_assert(!kafka_refill_is_due(&refill, 5000, 1000, now + 1));
	ck_assert(kafka_refill_is_due(&refill, 1000, 500, now + LATER));
}
END_TEST

/* Twenty records every 2 ms, taken at once: ten questions a second at most. */
START_TEST(small_batches_are_not_asked_for)
{
	KafkaRefill refill = {0};
	Nanos		now = 0;
	int			n_asked = 0;

	for (int i = 0; i < 500; i++)
		n_asked += kafka_refill_is_due(&refill, 20, 0, now += 2000000);
	ck_assert_int_le(n_asked, 10);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("kafka_refill");
	TCase	*tcase = tcase_create("kafka_refill");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(tcase, asks_when_half_is_gone);
	tcase_add_test(tcase, asks_a_few_times_while_nothing_comes);
	tcase_add_test(tcase, what_comes_counts_from_then_on);
	tcase_add_test(tcase, asks_not_twice_in_a_moment);
	tcase_add_test(tcase, small_batches_are_not_asked_for);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed != 0;
}
