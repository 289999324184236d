/* Who is in a group, and what of its topics Kafka gives to whom. */
#include "io/connector/kafka/kafka_impl.h"

#include <stdlib.h>

/* As librdkafka orders members before it shares out. */
static int
compare_members(const void *a, const void *b)
{
	return str_compare(str_of(((const KafkaMember *)a)->id), str_of(((const KafkaMember *)b)->id));
}

Status
kafka_group_describe(Topics *topics, const char *group_id, Arena *arena, KafkaMember **out, int *n, Error *err)
{
	KafkaTopics						 *self = kafka_topics_of(topics);
	const struct rd_kafka_group_list *list = NULL;
	rd_kafka_resp_err_t				  code = self->rd.list_groups(self->client, group_id, &list, CALL_MS);
	int								  n_members = 0;

	*n = 0;
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_error(self, code, NULL, err, "Cannot ask for the members of the group %s", group_id);
	for (int i = 0; i < list->group_cnt; i++)
		n_members += list->groups[i].member_cnt;
	*out = arena_array(arena, KafkaMember, n_members + 1);
	for (int i = 0; i < list->group_cnt; i++)
		for (int k = 0; k < list->groups[i].member_cnt; k++) {
			const struct rd_kafka_group_member_info *member = &list->groups[i].members[k];

			(*out)[(*n)++] = (KafkaMember){.id = arena_strdup(arena, member->member_id), .client = arena_strdup(arena, member->client_id)};
		}
	self->rd.group_list_destroy(list);
	if (*n > 1)
		qsort(*out, (size_t)*n, sizeof **out, compare_members);
	return OK;
}

Status
kafka_group_members(Topics *topics, const char *group_id, int *n, Error *err)
{
	Arena		 arena = {0};
	KafkaMember *members;
	Status		 status = kafka_group_describe(topics, group_id, &arena, &members, n, err);

	arena_free(&arena);
	return status;
}

int
kafka_range_member(int n_members, int n_partitions, int partition)
{
	int each = n_partitions / n_members;
	int extra = n_partitions % n_members;		/* the first ones have one more */

	return partition < extra * (each + 1) ? partition / (each + 1) : extra + (partition - extra * (each + 1)) / each;
}
