# sluice: one program in C that answers SQL over streams and files.  `make help` lists the targets.

CC      ?= cc
CXX     ?= c++
LEMON   ?= lemon
BUILD   ?= build
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

prefix  ?= /usr/local
bindir  ?= $(prefix)/bin
mandir  ?= $(prefix)/share/man

VARIANT ?= release
ifeq ($(VARIANT),asan)
  OPT := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifeq ($(VARIANT),tsan)
  OPT := -O1 -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(VARIANT),ubsan)
  OPT := -O1 -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifeq ($(VARIANT),debug)
  OPT := -O0
else
  OPT := -O2 -fno-semantic-interposition
endif
OBJ := $(if $(filter release,$(VARIANT)),$(BUILD)/obj,$(BUILD)/$(VARIANT)/obj)
BIN := $(if $(filter release,$(VARIANT)),$(BUILD),$(BUILD)/$(VARIANT))

WARN     := -Wall -Wextra -Wshadow -Werror=implicit-function-declaration
CPPFLAGS += -I. -I$(BUILD)/gen -D_GNU_SOURCE -DPCRE2_CODE_UNIT_WIDTH=8
CFLAGS   += -std=c17 -g $(OPT) $(WARN) -Wstrict-prototypes -Wmissing-prototypes -pthread
CXXFLAGS += -std=c++17 -g $(OPT) $(filter-out -Werror=%,$(WARN)) -pthread
LDFLAGS  += -pthread $(OPT)
LIBS     := -lsqlite3 -lreadline -lsimdjson -lpcre2-8 -lutf8proc -lxxhash -lz -lzstd -lm
ifneq ($(VARIANT),asan)
LDFLAGS  += -static-libstdc++ -static-libgcc
endif

LAYERS   := common data parser store catalog io exec planner engine server shell
SRC      := $(filter-out shell/main.c,$(sort $(shell find $(LAYERS) -name '*.c')))
SRCXX    := $(sort $(shell find $(LAYERS) -name '*.cpp'))
HEADERS  := $(sort $(shell find $(LAYERS) -name '*.h'))
OBJS     := $(SRC:%.c=$(OBJ)/%.o) $(SRCXX:%.cpp=$(OBJ)/%.o) $(if $(wildcard parser/grammar.y),$(OBJ)/gen/grammar.o)
UNIT     := $(sort $(wildcard tests/unit/*.c))
DEPS     := $(OBJS:.o=.d) $(OBJ)/shell/main.d $(UNIT:%.c=$(OBJ)/%.d)

.PHONY: all
all: $(BIN)/sluice ## build the program: build/sluice

$(BIN)/sluice: $(OBJ)/shell/main.o $(OBJS)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS)

# A stamp of compiler and flags: changing them rebuilds everything.
FLAGS := $(CC) $(CFLAGS) $(CPPFLAGS) $(CXX) $(CXXFLAGS)
$(OBJ)/flags: FORCE
	@mkdir -p $(@D); echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@
FORCE:

$(OBJ)/%.o: %.c $(OBJ)/flags | $(if $(wildcard parser/grammar.y),$(BUILD)/gen/grammar.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.cpp $(OBJ)/flags
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

# -c: without default reductions, which would come after the fallback of a keyword to a name.  lemon leaves a header alone
# that would not change, and make would call it out of date for ever: touch.
$(BUILD)/gen/grammar.c $(BUILD)/gen/grammar.h &: parser/grammar.y
	@mkdir -p $(BUILD)/gen
	$(Q)$(LEMON) -q -l -c -d$(BUILD)/gen $< && touch $(BUILD)/gen/grammar.h

$(OBJ)/gen/grammar.o: $(BUILD)/gen/grammar.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-unused-variable -Wno-unused-parameter -Wno-missing-prototypes -MMD -MP -c -o $@ $<

# One test program a file of tests/unit, linked with everything but main().
$(BIN)/tests/%: $(OBJ)/tests/unit/%.o $(OBJS)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell pkg-config --libs check)

.PHONY: unit
unit: $(UNIT:tests/unit/%.c=$(BIN)/tests/%) ## build the unit tests
	
.PHONY: docs
docs: $(BIN)/docs-functions ## write the reference pages that are made from the program
	$(Q)$(BIN)/docs-functions > docs/functions.md

$(BIN)/docs-functions: $(OBJ)/docs/gen/functions.o $(OBJS)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: asan tsan ubsan
asan tsan ubsan: ## build and test under a sanitizer
	$(Q)$(MAKE) VARIANT=$@ all unit

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][a-z .-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

-include $(DEPS)
.SECONDARY:
