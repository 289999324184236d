#ifndef SLUICE_SHELL_DATAGEN_TOPIC_H
#define SLUICE_SHELL_DATAGEN_TOPIC_H

#include "shell/datagen.h"

/* A DatagenTopicRun: opens the engine of the directory, whose queries run meanwhile, and makes the rows into its topic. */
Status datagen_topic_run(const DatagenOptions *options, const char *topic, const char *directory, Error *err);

#endif
