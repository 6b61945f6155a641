/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/compiler.h"
#include "flushd/bounce.h"
#include "unit/suites.h"

#define NOW  INT64_C(1700000000000)
#define HOUR (INT64_C(3600) * 1000)

/* ---- who is told at all -------------------------------------------- */

static const struct {
	const char *sender, *domain;
	enum bounce_bar want;
} bars[] = {
    {"me@site.test", "site.test", BOUNCE_MAY},
    {"me@SITE.Test", "site.test", BOUNCE_MAY},
    {"\"a@b\"@site.test", "site.test", BOUNCE_MAY},
    {"www-data", "site.test", BOUNCE_MAY},
    {"", "site.test", BOUNCE_NULL_SENDER},
    {"", "", BOUNCE_NULL_SENDER},
    {"me@site.test", "", BOUNCE_FOREIGN_SENDER},
    {"www-data", "", BOUNCE_FOREIGN_SENDER},
    {"me@other.test", "site.test", BOUNCE_FOREIGN_SENDER},
    {"me@sub.site.test", "site.test", BOUNCE_FOREIGN_SENDER},
    {"me@notsite.test", "site.test", BOUNCE_FOREIGN_SENDER},
    {"me@site.test.", "site.test", BOUNCE_FOREIGN_SENDER},
    {"\"me@site.test", "site.test", BOUNCE_MAY},
    {"\"me@site.test\"", "site.test", BOUNCE_FOREIGN_SENDER},
    {"site.test@other.test", "site.test", BOUNCE_FOREIGN_SENDER},
};

START_TEST(only_a_sender_of_the_site_is_told)
{
	enum bounce_bar got = bounce_bar(bars[_i].sender, bars[_i].domain);

	ck_assert_msg(got == bars[_i].want, "<%s> of '%s': got %d, want %d",
	    bars[_i].sender, bars[_i].domain, (int)got, (int)bars[_i].want);
	ck_assert_int_eq(*bounce_bar_words[got] == '\0', got == BOUNCE_MAY);
}
END_TEST

/* ---- what is told --------------------------------------------------- */

/*
 * A message of one recipient for each letter: before the transaction's end
 * pending, delivered, failed, reported. outcomes: U S D F H A for those who
 * were in it, else a dot; notify: "" is not given, N S F D.
 */
struct row {
	const char *name;
	const char *states;
	const char *outcomes;
	const char *notify[3];
	bool has_relay_dsn;
	bool is_not_last;
	int64_t age_ms;
	bool is_delay_reported;
	enum message_phase phase;
	const char *told; /* actions by recipient: f d r, or a dot */
	const char *after;
};

static const struct row rows[] = {
    {"a failure", "f", "F", {""}, .phase = PHASE_FAILED, .told = "f",
	.after = "r"},
    {"NOTIFY=FAILURE", "f", "F", {"F"}, .phase = PHASE_FAILED, .told = "f",
	.after = "r"},
    {"NOTIFY=FAILURE,DELAY", "f", "F", {"FD"}, .phase = PHASE_FAILED,
	.told = "f", .after = "r"},
    {"NOTIFY=NEVER", "f", "F", {"N"}, .phase = PHASE_FAILED, .told = ".",
	.after = "f"},
    {"NOTIFY=SUCCESS", "f", "F", {"S"}, .phase = PHASE_FAILED, .told = ".",
	.after = "f"},
    {"one of each", "ffp", "FFD", {"", "N", ""}, .phase = PHASE_DEFERRED,
	.told = "f..", .after = "rfp"},
    {"not before nothing more is tried", "ffp", "FF.", {""},
	.is_not_last = true, .phase = PHASE_DEFERRED, .told = "...",
	.after = "ffp"},
    {"what failed in an earlier transaction", "fdd", ".SS", {""},
	.phase = PHASE_FAILED, .told = "f..", .after = "rdd"},
    {"never twice", "rff", ".FF", {""}, .phase = PHASE_FAILED, .told = ".ff",
	.after = "rrr"},
    {"a failure of a held message", "fp", "FH", {""}, .phase = PHASE_HELD,
	.told = "f.", .after = "rp"},
    {"a success of no interest", "d", "S", {""}, .told = ".", .after = "d"},
    {"NOTIFY=SUCCESS, the relay reports", "d", "S", {"S"},
	.has_relay_dsn = true, .told = ".", .after = "d"},
    {"NOTIFY=SUCCESS, it does not", "d", "S", {"S"}, .told = "r", .after = "d"},
    {"NOTIFY=SUCCESS, more is tried", "dp", "S.", {"S", "S"},
	.is_not_last = true, .phase = PHASE_DEFERRED, .told = "r.",
	.after = "dp"},
    {"NOTIFY=SUCCESS, told before", "dd", ".S", {"S", "S"}, .told = ".r",
	.after = "dd"},
    {"success and failure", "df", "SF", {"SF", "SF"}, .phase = PHASE_FAILED,
	.told = "rf", .after = "dr"},
    {"a delay that nobody asked about", "p", "D", {""}, .age_ms = 5 * HOUR,
	.phase = PHASE_DEFERRED, .told = ".", .after = "p"},
    {"NOTIFY=DELAY", "pp", "DD", {"D", "F"}, .age_ms = 4 * HOUR,
	.phase = PHASE_DEFERRED, .told = "d.", .after = "pp"},
    {"NOTIFY=DELAY, too soon", "p", "D", {"D"}, .age_ms = 4 * HOUR - 1,
	.phase = PHASE_DEFERRED, .told = ".", .after = "p"},
    {"NOTIFY=DELAY, told before", "p", "D", {"D"}, .age_ms = 9 * HOUR,
	.is_delay_reported = true, .phase = PHASE_DEFERRED, .told = ".",
	.after = "p"},
    {"NOTIFY=DELAY of a held message", "p", "H", {"D"}, .age_ms = 9 * HOUR,
	.phase = PHASE_HELD, .told = ".", .after = "p"},
    {"delay and failure", "pf", "DF", {"D", "F"}, .age_ms = 9 * HOUR,
	.phase = PHASE_DEFERRED, .told = "df", .after = "pr"},
};

static struct envelope envelope;
static struct message_state state;
static struct smtp_result result;
static size_t tried[3];
static struct bounce bounce;
static struct bounce_case circumstances;

static unsigned int
parse_notify(const char *letters)
{
	unsigned int notify = 0;

	for (; letters && *letters; letters++)
		notify |= 1U << (strchr("NSFD", *letters) - "NSFD");
	return notify;
}

static void
set_up(const struct row *row)
{
	static char words[] = "451 4.3.0 words";
	char address[] = "0@example.org";

	envelope_init(&envelope);
	envelope_set_sender(&envelope, "me@site.test", 12);
	state_init(&state, strlen(row->states), 0);
	result = (struct smtp_result){0};
	for (size_t i = 0; row->states[i]; i++) {
		address[0] = (char)('0' + i);
		envelope_add_recipient(&envelope, address, strlen(address))
		    ->notify = parse_notify(row->notify[i]);
		state.recipients[i].status = (enum recipient_status)(
		    strchr("pdfr", row->states[i]) - "pdfr");
		if (row->outcomes[i] == '.')
			continue;
		state_set_reply(&state, i, words);
		tried[result.recipient_count] = i;
		result.outcomes[result.recipient_count++] = (enum smtp_outcome)(
		    strchr("USDFHA", row->outcomes[i]) - "USDFHA");
	}
	state.phase = row->phase;
	state.age_ms = row->age_ms;
	state.is_delay_reported = row->is_delay_reported;
	circumstances = (struct bounce_case){.envelope = &envelope,
	    .tried = tried,
	    .result = &result,
	    .has_relay_dsn = row->has_relay_dsn,
	    .is_last = !row->is_not_last,
	    .domain = "site.test",
	    .policy = &retry_policy_default,
	    .host = "mx.test",
	    .relay = "127.0.0.1:25",
	    .id = "ID",
	    .text = "Subject: x\n\nbody\n",
	    .text_len = 17,
	    .is_whole = true,
	    .now = {.wall_ms = NOW},
	    .submitter = {.uid = 33, .pid = 7}};
}

static void
tear_down(void)
{
	bounce_release(&bounce);
	envelope_release(&envelope);
	state_release(&state);
}

static void
check_states(const struct row *row, const char *want)
{
	for (size_t i = 0; want[i]; i++)
		ck_assert_msg("pdfr"[state.recipients[i].status] == want[i],
		    "%s: recipient %zu: got %s, want %c", row->name, i,
		    recipient_status_names[state.recipients[i].status],
		    want[i]);
}

static void
check_told(const struct row *row)
{
	char told[4] = "...";

	told[strlen(row->told)] = '\0';
	for (size_t n = 0; n < bounce.told_count; n++)
		told[bounce.indexes[n]] = "fdr"[bounce.told[n].action];
	ck_assert_msg(strcmp(told, row->told) == 0, "%s: got %s, want %s",
	    row->name, told, row->told);
}

START_TEST(the_sender_is_told_what_it_wants_to_know)
{
	const struct row *row = &rows[_i];
	const bool has_delay = strchr(row->told, 'd');

	set_up(row);
	bounce_make(&bounce, &circumstances, &state);
	check_told(row);
	check_states(row, row->after);
	ck_assert_int_eq(
	    state.is_delay_reported, row->is_delay_reported || has_delay);
	ck_assert_int_eq(bounce.told_count > 0, bounce.text.len > 0);
	if (bounce.told_count > 0) {
		/* As it was, where it cannot be stored; and again. */
		bounce_mark(&bounce, &state, false);
		check_states(row, row->states);
		ck_assert_int_eq(
		    state.is_delay_reported, row->is_delay_reported);
		bounce_mark(&bounce, &state, true);
		check_states(row, row->after);
	}
	tear_down();
}
END_TEST

/* ---- the report ----------------------------------------------------- */

START_TEST(the_report_is_a_message_from_nobody_to_the_sender)
{
	set_up(&rows[0]);
	bounce_make(&bounce, &circumstances, &state);
	ck_assert_str_eq(bounce.envelope.sender, "");
	ck_assert_uint_eq(bounce.envelope.recipient_count, 1);
	ck_assert_str_eq(bounce.envelope.recipients[0].address, "me@site.test");
	ck_assert_uint_eq(bounce.envelope.text_len, bounce.text.len);
	ck_assert_int_eq(bounce.envelope.submitted_ms, NOW);
	ck_assert_uint_eq(bounce.envelope.submitter.uid, 33);
	ck_assert(!bounce.envelope.is_smtputf8);
	ck_assert_ptr_nonnull(strstr(bounce.text.data, "\nSubject: x\n"));
	tear_down();
}
END_TEST

START_TEST(a_report_that_fails_is_not_reported)
{
	set_up(&rows[0]);
	envelope_set_sender(&envelope, "", 0);
	bounce_make(&bounce, &circumstances, &state);
	ck_assert_uint_eq(bounce.told_count, 0);
	check_states(&rows[0], "f");
	tear_down();
}
END_TEST

START_TEST(a_sender_without_a_domain_is_one_of_the_site)
{
	set_up(&rows[0]);
	envelope_set_sender(&envelope, "www-data", 8);
	bounce_make(&bounce, &circumstances, &state);
	ck_assert_str_eq(
	    bounce.envelope.recipients[0].address, "www-data@site.test");
	ck_assert_ptr_nonnull(
	    strstr(bounce.text.data, "\nTo: <www-data@site.test>\n"));
	tear_down();
}
END_TEST

START_TEST(a_domain_that_ends_a_command_is_none)
{
	set_up(&rows[0]);
	envelope_set_sender(&envelope, "www-data", 8);
	circumstances.domain = "x>\r\nRCPT TO:<y";
	bounce_make(&bounce, &circumstances, &state);
	ck_assert_uint_eq(bounce.told_count, 0);
	check_states(&rows[0], "f");
	tear_down();
}
END_TEST

START_TEST(an_address_beyond_ascii_needs_smtputf8)
{
	set_up(&rows[0]);
	envelope_set_sender(&envelope, "jos\xc3\xa9@site.test", 15);
	bounce_make(&bounce, &circumstances, &state);
	ck_assert(bounce.envelope.is_smtputf8);
	tear_down();
}
END_TEST

START_TEST(a_delay_says_until_when)
{
	/* 5 days less 9 hours from now. */
	set_up(&rows[ARRAY_LEN(rows) - 1]);
	bounce_make(&bounce, &circumstances, &state);
	ck_assert_ptr_nonnull(strstr(bounce.text.data,
	    "\nWill-Retry-Until: Sun, 19 Nov 2023 13:13:20 +0000\n"));
	tear_down();
}
END_TEST

Suite *
bounce_suite(void)
{
	Suite *s = suite_create("bounce");
	TCase *tc = tcase_create("bounce");

	tcase_add_loop_test(
	    tc, only_a_sender_of_the_site_is_told, 0, (int)ARRAY_LEN(bars));
	tcase_add_loop_test(tc, the_sender_is_told_what_it_wants_to_know, 0,
	    (int)ARRAY_LEN(rows));
	tcase_add_test(tc, the_report_is_a_message_from_nobody_to_the_sender);
	tcase_add_test(tc, a_report_that_fails_is_not_reported);
	tcase_add_test(tc, a_sender_without_a_domain_is_one_of_the_site);
	tcase_add_test(tc, a_domain_that_ends_a_command_is_none);
	tcase_add_test(tc, an_address_beyond_ascii_needs_smtputf8);
	tcase_add_test(tc, a_delay_says_until_when);
	suite_add_tcase(s, tc);
	return s;
}
