#ifndef SLUICE_IO_CONNECTOR_KAFKA_RDKAFKA_H
#define SLUICE_IO_CONNECTOR_KAFKA_RDKAFKA_H

/*
 * librdkafka, loaded when topics are first opened on Kafka: a run without them does not pay for it.  Only the calls listed here
 * are used; they keep their names and types.
 */
#include <librdkafka/rdkafka.h>

#include "common/status.h"

#define RDKAFKA_SYMBOLS(X)                                                                                          \
	X(version) X(conf_new) X(conf_destroy) X(conf_set) X(conf_get) X(conf_set_log_cb) X(conf_set_error_cb) X(conf_set_opaque)      \
	X(conf_set_dr_msg_cb) X(conf_set_rebalance_cb) X(new) X(destroy) X(destroy_flags) X(poll) X(flush) X(purge)        \
	X(outq_len) X(opaque) X(err2str) X(err2name) X(fatal_error) X(last_error) X(metadata) X(metadata_destroy) X(clusterid) X(mem_free)          \
	X(query_watermark_offsets) X(get_watermark_offsets) X(topic_new) X(topic_destroy) X(topic_name) X(produceva) X(headers_new)                 \
	X(headers_destroy) X(header_add) X(header_get_all) X(message_headers) X(message_timestamp) X(message_destroy)      \
	X(queue_new) X(queue_destroy) X(queue_get_partition) X(queue_get_consumer) X(queue_forward) X(queue_length) X(offsets_for_times)                      \
	X(queue_cb_event_enable) X(queue_poll) X(event_destroy) X(event_error) X(event_error_string)                       \
	X(consume_start_queue) X(consume_stop) X(consume_batch_queue) X(subscribe) X(unsubscribe) X(consumer_poll)         \
	X(consumer_close) X(poll_set_consumer) X(assign) X(assignment_lost) X(committed) X(commit)                         \
	X(consumer_group_metadata) X(consumer_group_metadata_destroy)                                                     \
	X(topic_partition_list_new) X(topic_partition_list_destroy) X(topic_partition_list_add)                            \
	X(init_transactions) X(begin_transaction) X(send_offsets_to_transaction) X(commit_transaction)                     \
	X(abort_transaction) X(error_code) X(error_string) X(error_is_fatal) X(error_is_retriable)                         \
	X(error_txn_requires_abort) X(error_destroy) X(list_groups) X(group_list_destroy)                                  \
	X(NewTopic_new) X(NewTopic_destroy) X(NewTopic_set_config) X(CreateTopics) X(event_CreateTopics_result)            \
	X(CreateTopics_result_topics) X(DeleteTopic_new) X(DeleteTopic_destroy) X(DeleteTopics)                            \
	X(event_DeleteTopics_result) X(DeleteTopics_result_topics) X(topic_result_error) X(topic_result_error_string)      \
	X(DeleteRecords_new) X(DeleteRecords_destroy) X(DeleteRecords)                                                    \
	X(DeleteGroup_new) X(DeleteGroup_destroy) X(DeleteGroups)                                                         \
	X(ConfigResource_new) X(ConfigResource_destroy) X(DescribeConfigs) X(event_DescribeConfigs_result)                 \
	X(DescribeConfigs_result_resources) X(ConfigResource_configs) X(ConfigResource_error)                              \
	X(ConfigResource_error_string) X(ConfigEntry_name) X(ConfigEntry_value)                                            \
	X(AdminOptions_new) X(AdminOptions_destroy) X(AdminOptions_set_request_timeout)

typedef struct RdKafka {
	void *handle;
#define RDKAFKA_MEMBER(name) __typeof__(&rd_kafka_##name) name;
	RDKAFKA_SYMBOLS(RDKAFKA_MEMBER)
#undef RDKAFKA_MEMBER
} RdKafka;

/* Fills *out.  ERROR_USER, with the remedy, if the library is not installed or too old. */
Status rdkafka_load(RdKafka *out, Error *err);

#endif
