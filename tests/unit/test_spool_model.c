/* SPDX-License-Identifier: ISC */
/*
 * Random sequences of put, set_state, remove, commit and abort against a model
 * that is an array. The seed is fixed: a failure comes again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { ROUNDS = 60, STEPS_MAX = 12, MODEL_MAX = ROUNDS * STEPS_MAX };

struct entry {
	uint64_t id;
	enum message_phase phase;
	int64_t due_ms;
	size_t text_len;
};

struct model {
	struct entry entries[MODEL_MAX];
	size_t count;
};

static uint64_t seed;

static uint32_t
pick(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % below;
}

static void
step_put(struct model *m)
{
	static char text[13000];
	struct entry *e = &m->entries[m->count++];
	const uint32_t now_ms = pick(1000); /* runs as it likes */

	memset(text, 't', sizeof(text));
	e->text_len = pick(sizeof(text));
	e->phase = PHASE_NEW;
	e->due_ms = now_ms;
	e->id = fixture_put(text, e->text_len, now_ms);
}

static void
step_set(struct model *m)
{
	struct entry *e = &m->entries[pick((uint32_t)m->count)];

	e->phase = (enum message_phase)pick(PHASE_COUNT);
	e->due_ms = pick(1000);
	fixture_set(e->id, e->phase, e->due_ms);
}

static void
step_remove(struct model *m)
{
	const size_t i = pick((uint32_t)m->count);

	ck_assert_int_eq(spool_remove(fixture_spool, m->entries[i].id), 0);
	m->entries[i] = m->entries[--m->count];
}

static void
step(struct model *m)
{
	const uint32_t n = pick(10);

	if (m->count == 0 || n < 4)
		step_put(m);
	else if (n < 7)
		step_set(m);
	else
		step_remove(m);
}

/* Every message of the model is there, and nothing else. */
static void
check_messages(const struct model *m)
{
	size_t found = 0;
	uint64_t id = 0;

	fixture_begin(SPOOL_READ);
	while (spool_next(fixture_spool, &id) == 0)
		found++;
	ck_assert_uint_eq(found, m->count);
	for (size_t i = 0; i < m->count; i++) {
		struct message_state state;
		struct envelope e;

		ck_assert_int_eq(
		    spool_get(fixture_spool, m->entries[i].id, &e, &state), 0);
		ck_assert_int_eq(state.phase, m->entries[i].phase);
		ck_assert_uint_eq(e.text_len, m->entries[i].text_len);
		envelope_release(&e);
		state_release(&state);
	}
	spool_abort(fixture_spool);
}

/* The schedule has the model's new and deferred messages, in order. */
static void
check_schedule(const struct model *m)
{
	size_t scheduled = 0;
	size_t found = 0;
	int64_t due_ms = 0;
	int64_t last_ms = 0;
	int64_t next_ms = 0;
	uint64_t id = 0;

	for (size_t i = 0; i < m->count; i++)
		scheduled += m->entries[i].phase == PHASE_NEW ||
			     m->entries[i].phase == PHASE_DEFERRED;
	fixture_begin(SPOOL_READ);
	while (
	    spool_next_due(fixture_spool, 1000, &due_ms, &id, &next_ms) == 0) {
		ck_assert_int_ge(due_ms, last_ms);
		last_ms = due_ms;
		found++;
	}
	spool_abort(fixture_spool);
	ck_assert_uint_eq(found, scheduled);
	ck_assert_int_eq(next_ms, INT64_MAX);
}

START_TEST(any_sequence_leaves_what_the_model_says)
{
	static struct model model;
	static struct model before;

	seed = (uint64_t)_i + 1;
	for (int round = 0; round < ROUNDS; round++) {
		before = model;
		fixture_begin(SPOOL_WRITE);
		for (uint32_t n = pick(STEPS_MAX); n > 0; n--)
			step(&model);
		if (pick(5) == 0) {
			spool_abort(fixture_spool);
			model = before;
		} else {
			fixture_commit();
		}
		if (pick(8) == 0)
			fixture_reopen();
		fixture_check_counters();
		check_messages(&model);
		check_schedule(&model);
	}
}
END_TEST

START_TEST(an_emptied_spool_holds_what_a_fresh_one_does)
{
	static struct model model;
	struct census fresh;
	struct census emptied;

	seed = 7;
	fixture_census(&fresh);
	fixture_begin(SPOOL_WRITE);
	for (int i = 0; i < 200; i++)
		step(&model);
	fixture_commit();
	fixture_begin(SPOOL_WRITE);
	while (model.count > 0)
		step_remove(&model);
	fixture_commit();
	fixture_census(&emptied);
	ck_assert_mem_eq(&fresh, &emptied, sizeof(fresh));
	fixture_check_counters();
}
END_TEST

Suite *
spool_model_suite(void)
{
	Suite *s = suite_create("spool_model");
	TCase *tc = tcase_create("spool_model");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, any_sequence_leaves_what_the_model_says, 0, 4);
	tcase_add_test(tc, an_emptied_spool_holds_what_a_fresh_one_does);
	suite_add_tcase(s, tc);
	return s;
}
