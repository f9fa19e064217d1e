# retrack: PGXS build. `make demo`, `make test` and `make bench` install what they
# need themselves and also work where no server headers are installed yet.
EXTENSION = retrack
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" retrack.control)
MODULE_big = retrack
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
RT_HEADERS = $(wildcard src/*.h src/*/*.h)

# The install script is these parts in this order: a part may use what stands above it.
SQL_PARTS = $(wildcard \
	sql/header.sql \
	sql/types/enums.sql \
	sql/types/element.sql \
	sql/types/licence_id.sql \
	sql/types/mass.sql \
	sql/types/assay.sql \
	sql/types/codes.sql \
	sql/balance/balance.sql \
	sql/balance/mass_balance.sql \
	sql/balance/blend.sql \
	sql/balance/balance_lines.sql \
	sql/balance/sequences.sql \
	sql/rules/enforce_licence.sql \
	sql/rules/enforce_quota.sql \
	sql/rules/keep_terms.sql \
	sql/rules/violations.sql \
	sql/rules/verify_ledger.sql \
	sql/rules/attach_triggers.sql \
	sql/rules/follow_names.sql \
	sql/rules/journal.sql \
	sql/rules/journal_names.sql \
	sql/rules/registry_rules.sql \
	sql/fdw/retrack_fdw.sql \
	sql/fdw/comment_imported.sql \
	sql/fdw/fdw_stats.sql \
	sql/chain/trace_origin.sql \
	sql/chain/lot_graph.sql \
	sql/registry/as_of.sql \
	sql/registry/normal_name.sql \
	sql/registry/registry_tables.sql \
	sql/registry/registry_comments.sql \
	sql/registry/registry_seed.sql \
	sql/registry/visibility.sql \
	sql/registry/registry_views.sql \
	sql/registry/detection_views.sql \
	sql/registry/create_registry.sql \
	sql/registry/time_travel.sql \
	sql/registry/grant_registry.sql \
	sql/pull/pull.sql \
	sql/pull/retry_rejects.sql \
	sql/pull/pull_all.sql)

SQL_SCRIPT = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA = $(wildcard sql/$(EXTENSION)--*--*.sql)
DATA_built = $(SQL_SCRIPT)
EXTRA_CLEAN = $(OBJS:.o=.d) .built-for build results output_iso log tmp_check tmp_check_iso

REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=retrack
ISOLATION = $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=retrack

PG_CPPFLAGS = -I$(srcdir)/src
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	$(if $(findstring clang,$(CC)),-Wno-ignored-attributes -Wno-ignored-optimization-argument -Wno-unknown-warning-option) $(if $(WERROR),-Werror) -MMD -MP
SHLIB_LINK = -lcurl -ljansson -lz

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

.DEFAULT_GOAL = all
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
# what each object includes, as the compiler saw it
-include $(OBJS:.o=.d)
# Objects are of one server and one set of COPT: with another one's PG_CONFIG all are made anew, for a mixture of two may
# load and crash later.
BUILT_FOR := $(strip $(shell $(PG_CONFIG) --version --includedir-server) $(COPT))
ifneq ($(BUILT_FOR),$(shell cat .built-for 2>/dev/null))
$(shell echo '$(BUILT_FOR)' >.built-for)
endif
.built-for: ;
$(OBJS): Makefile .built-for
$(OBJS:.o=.bc): $(RT_HEADERS) .built-for
else
srcdir = .
all install installcheck clean:
	@echo "retrack: no PGXS found by '$(PG_CONFIG) --pgxs'." >&2
	@echo "HINT: install the server headers (Debian: apt install postgresql-server-dev-15), or give PG_CONFIG=/path/to/pg_config; 'make deps' installs all that is needed." >&2
	@exit 1
endif

$(SQL_SCRIPT): $(SQL_PARTS) retrack.control Makefile
	cat $(SQL_PARTS) > $@.tmp && mv $@.tmp $@

.PHONY: deps test demo bench fuzz torture asan ubsan valgrind dist
deps:
	test/deps.sh
test: deps
	test/run.sh
demo: deps
	test/demo/run.sh
bench: deps
	test/bench/run.sh
fuzz: deps
	test/fuzz/run.sh
torture: deps
	test/torture.sh
asan: deps
	SUITES=unit test/run.sh
# undefined behaviour, in the server: what does any is ended, and its test fails. The server's own flags let signed
# numbers wrap, whereby overflow would go unseen: not so here.
ubsan: deps
	UBSAN_OPTIONS=abort_on_error=1 COPT='-fsanitize=undefined,float-cast-overflow -fno-sanitize-recover=all -fno-wrapv' \
		SUITES='regress isolation pgtap tap' test/run.sh
valgrind:
	test/valgrind.sh
dist:
	mkdir -p build && git archive --format=zip --prefix=$(EXTENSION)-$(EXTVERSION)/ -o build/$(EXTENSION)-$(EXTVERSION).zip HEAD
