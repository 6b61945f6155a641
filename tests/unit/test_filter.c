/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "listing/filter.h"
#include "unit/suites.h"

#define NOW_MS INT64_C(1700000000000)

enum { HOUR_MS = 3600 * 1000 };

/* A message: two recipients, of which the second has its mail already. */
struct sample {
	const char *sender; /* NULL: it is damaged */
	const char *recipient;
	const char *delivered;
	enum message_phase phase;
	bool is_sending;
};

static void
make(const struct sample *s, struct envelope *e, struct message_state *state,
    struct entry *entry)
{
	const char *sender = s->sender ? s->sender : "";

	envelope_init(e);
	envelope_set_sender(e, sender, strlen(sender));
	envelope_add_recipient(e, s->recipient, strlen(s->recipient));
	envelope_add_recipient(e, s->delivered, strlen(s->delivered));
	e->submitted_ms = NOW_MS;
	state_init(state, 2, NOW_MS);
	state->phase = s->phase;
	state->recipients[1].status = RECIPIENT_DELIVERED;
	*entry = (struct entry){
	    .id = (uint64_t)NOW_MS * 1000, .is_sending = s->is_sending};
	if (s->sender) {
		entry->envelope = e;
		entry->state = state;
	}
}

static const struct sample usual = {"Joe@Shop.test", "reader@example.org",
    "had@it.test", PHASE_DEFERRED, false};
static const struct sample bounce = {
    "", "a@b.test", "had@it.test", PHASE_NEW, false};
static const struct sample sent = {
    "a@b.test", "c@d.test", "had@it.test", PHASE_NEW, true};
static const struct sample local = {
    "root", "joe", "had@it.test", PHASE_HELD, false};
static const struct sample failed = {
    "a@b.test", "c@d.test", "had@it.test", PHASE_FAILED, false};
static const struct sample quoted = {
    "\"a@b\"@c.test", "x@y.test", "had@it.test", PHASE_NEW, false};
static const struct sample damaged = {
    NULL, "a@b.test", "had@it.test", PHASE_NEW, false};

#define ANY FILTER_ANY

static const struct {
	const struct sample *sample;
	struct filter filter;
	bool want;
} cases[] = {
    {&usual, FILTER_ALL, true},
    {&damaged, FILTER_ALL, true},
    /* senders */
    {&usual, {.sender = "joe@shop.test", .state = ANY}, true},
    {&usual, {.sender = "joe@shop.tes", .state = ANY}, false},
    {&usual, {.sender = "joe@shop.test2", .state = ANY}, false},
    {&usual, {.sender = "xjoe@shop.test", .state = ANY}, false},
    {&usual, {.sender = "@shop.TEST", .state = ANY}, true},
    {&usual, {.sender = "@op.test", .state = ANY}, false},
    {&usual, {.sender = "@test", .state = ANY}, false},
    {&usual, {.sender = "shop.test", .state = ANY}, false},
    {&usual, {.sender = "<>", .state = ANY}, false},
    {&bounce, {.sender = "<>", .state = ANY}, true},
    {&bounce, {.sender = "mailer-daemon", .state = ANY}, true},
    {&bounce, {.sender = "@b.test", .state = ANY}, false},
    {&quoted, {.sender = "@c.test", .state = ANY}, true},
    {&quoted, {.sender = "@b\"@c.test", .state = ANY}, false},
    {&local, {.sender = "root", .state = ANY}, true},
    {&local, {.sender = "@root", .state = ANY}, false},
    {&damaged, {.sender = "<>", .state = ANY}, false},
    /* recipients: those that are still to get it */
    {&usual, {.recipient = "Reader@example.org", .state = ANY}, true},
    {&usual, {.recipient = "@example.org", .state = ANY}, true},
    {&usual, {.recipient = "had@it.test", .state = ANY}, false},
    {&usual, {.recipient = "@it.test", .state = ANY}, false},
    {&usual, {.recipient = "<>", .state = ANY}, false},
    {&damaged, {.recipient = "@b.test", .state = ANY}, false},
    /* states */
    {&usual, {.state = FILTER_DEFERRED}, true},
    {&usual, {.state = FILTER_NEW}, false},
    {&bounce, {.state = FILTER_NEW}, true},
    {&sent, {.state = FILTER_SENDING}, true},
    {&sent, {.state = FILTER_NEW}, false},
    {&local, {.state = FILTER_HELD}, true},
    {&failed, {.state = FILTER_FAILED}, true},
    {&failed, {.state = FILTER_DEFERRED}, false},
    {&damaged, {.state = FILTER_DAMAGED}, true},
    {&damaged, {.state = FILTER_HELD}, false},
    /* ages */
    {&usual, {.has_age = true, .before_ms = NOW_MS + 1, .state = ANY}, true},
    {&usual, {.has_age = true, .before_ms = NOW_MS, .state = ANY}, false},
    {&usual, {.has_age = true, .before_ms = 0, .state = ANY}, false},
    {&damaged, {.has_age = true, .before_ms = NOW_MS + 1, .state = ANY}, true},
    {&damaged, {.has_age = true, .before_ms = NOW_MS, .state = ANY}, false},
    /* all that is said must hold */
    {&usual,
	{.sender = "@shop.test",
	    .recipient = "@example.org",
	    .state = FILTER_DEFERRED,
	    .has_age = true,
	    .before_ms = NOW_MS + HOUR_MS},
	true},
    {&usual,
	{.sender = "@shop.test",
	    .recipient = "@example.net",
	    .state = FILTER_DEFERRED},
	false},
    {&usual,
	{.sender = "@other.test",
	    .recipient = "@example.org",
	    .state = FILTER_DEFERRED},
	false},
};

START_TEST(a_filter_finds_what_it_says)
{
	const struct filter *f = &cases[_i].filter;
	struct message_state state;
	struct envelope envelope;
	struct entry entry;

	make(cases[_i].sample, &envelope, &state, &entry);
	ck_assert_msg(filter_matches(f, &entry) == cases[_i].want,
	    "case %d, sender %s, recipient %s, state %d: want %d", _i,
	    f->sender ? f->sender : "any", f->recipient ? f->recipient : "any",
	    (int)f->state, cases[_i].want);
	envelope_release(&envelope);
	state_release(&state);
}
END_TEST

START_TEST(only_one_that_says_nothing_lets_all_pass)
{
	struct filter f = FILTER_ALL;

	ck_assert(filter_is_all(&f));
	f.sender = "a@b";
	ck_assert(!filter_is_all(&f));
	f = (struct filter){.recipient = "a", .state = ANY};
	ck_assert(!filter_is_all(&f));
	f = (struct filter){.state = FILTER_NEW};
	ck_assert(!filter_is_all(&f));
	f = (struct filter){.state = ANY, .has_age = true};
	ck_assert(!filter_is_all(&f));
}
END_TEST

START_TEST(states_have_names)
{
	enum filter_state state = FILTER_ANY;

	for (int i = 0; i < FILTER_STATE_COUNT; i++) {
		ck_assert_int_eq(
		    filter_parse_state(filter_state_names[i], &state), 0);
		ck_assert_int_eq((int)state, i);
	}
	ck_assert_int_eq(filter_parse_state("", &state), -EINVAL);
	ck_assert_int_eq(filter_parse_state("New", &state), -EINVAL);
	ck_assert_int_eq(filter_parse_state("any", &state), -EINVAL);
}
END_TEST

START_TEST(nothing_is_no_address)
{
	ck_assert(filter_is_address("a@b"));
	ck_assert(filter_is_address("@b"));
	ck_assert(filter_is_address("<>"));
	ck_assert(!filter_is_address(""));
	ck_assert(!filter_is_address("@"));
}
END_TEST

Suite *
filter_suite(void)
{
	Suite *s = suite_create("filter");
	TCase *tc = tcase_create("filter");

	tcase_add_loop_test(
	    tc, a_filter_finds_what_it_says, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, only_one_that_says_nothing_lets_all_pass);
	tcase_add_test(tc, states_have_names);
	tcase_add_test(tc, nothing_is_no_address);
	suite_add_tcase(s, tc);
	return s;
}
