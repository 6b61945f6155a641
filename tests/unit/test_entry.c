/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "flushctl/entry_json.h"
#include "flushctl/local_time.h"
#include "unit/suites.h"

/* 2023-11-14 22:13:20 UTC */
#define SUBMITTED INT64_C(1700000000123)

/* A message in a table; NULL ends the recipients. */
struct sample {
	const char *sender;
	struct {
		const char *address;
		enum recipient_status status;
		const char *reply;
	} recipients[4];
	enum message_phase phase;
	uint32_t attempts;
	const char *reason;
};

static void
setup(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

static void
make(const struct sample *s, struct envelope *e, struct message_state *state)
{
	size_t count = 0;

	envelope_init(e);
	envelope_set_sender(e, s->sender, strlen(s->sender));
	for (; s->recipients[count].address; count++)
		envelope_add_recipient(e, s->recipients[count].address,
		    strlen(s->recipients[count].address));
	e->submitted_ms = SUBMITTED;
	e->text_len = 1234;
	e->submitter = (struct submitter){.uid = 33, .pid = 4711};
	state_init(state, count, SUBMITTED + 60000);
	state->attempts = s->attempts;
	state->phase = s->phase;
	for (size_t i = 0; i < count; i++) {
		state->recipients[i].status = s->recipients[i].status;
		if (s->recipients[i].reply)
			state_set_reply(state, i, s->recipients[i].reply);
	}
	if (s->reason)
		state_hold(state, s->reason);
}

static void
add_utc(struct buf *b, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	buf_add_str(b, clock_mailq(wall_ms, text));
}

static void
format(const struct sample *s, bool is_json, struct buf *out)
{
	struct message_state state;
	struct envelope envelope;
	struct entry e = {
	    .id = 3656158440062976, .envelope = &envelope, .state = &state};

	make(s, &envelope, &state);
	if (is_json)
		entry_add_json(out, &e, "");
	else
		entry_add_text(out, &e, local_time_add);
	envelope_release(&envelope);
	state_release(&state);
}

/* ---- text ---------------------------------------------------------- */

#define HEAD(mark) "10000000000" mark "   1234 Tue Nov 14 22:13:20  "
#define TO	   "                                         "

static const struct {
	const char *name;
	struct sample sample;
	const char *want;
} lists[] = {
    {"new", {"a@b", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0, NULL},
	HEAD("") "a@b\n" TO "c@d\n"},
    {"null sender",
	{"", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0, NULL},
	HEAD("") "MAILER-DAEMON\n" TO "c@d\n"},
    {"deferred, one reason for two, one delivered",
	{"a@b",
	    {{"c@d", RECIPIENT_PENDING, "450 4.2.0 later"},
		{"e@f", RECIPIENT_DELIVERED, "250 2.0.0 Ok"},
		{"g@h", RECIPIENT_PENDING, "450 4.2.0 later"}},
	    PHASE_DEFERRED, 1, NULL},
	HEAD("") "a@b\n"
		 "                                "
		 "(deferred, 1 attempt, next Tue Nov 14 22:14:20)\n" TO
		 "                    (450 4.2.0 later)\n" TO "c@d\n" TO
		 "g@h\n"},
    {"held", {"a@b", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_HELD, 2, "why"},
	HEAD("!") "a@b\n" TO "            (held, 2 attempts: why)\n" TO
		  "c@d\n"},
    {"held for what the relay has said of one",
	{"a@b",
	    {{"c@d", RECIPIENT_PENDING, "450 later"},
		{"e@f", RECIPIENT_PENDING, "554 no"}},
	    PHASE_HELD, 1, "554 no"},
	HEAD("!") "a@b\n" TO "(held, 1 attempt)\n" TO "(450 later)\n" TO
		  "c@d\n" TO "(554 no)\n" TO "e@f\n"},
    {"held for more than that",
	{"a@b", {{"c@d", RECIPIENT_PENDING, "lost"}}, PHASE_HELD, 1,
	    "maybe delivered: lost"},
	HEAD("!") "a@b\n" TO "(held, 1 attempt: maybe delivered)\n" TO
		  "(lost)\n" TO "c@d\n"},
    {"held for what is not shown of a recipient",
	{"a@b",
	    {{"c@d", RECIPIENT_REPORTED, "554 no"},
		{"e@f", RECIPIENT_PENDING, "4"}},
	    PHASE_HELD, 1, "554 no"},
	HEAD("!") "a@b\n" TO "(held, 1 attempt: 554 no)\n" TO "(4)\n" TO
		  "e@f\n"},
    {"failed",
	{"a@b", {{"c@d", RECIPIENT_FAILED, "550 no"}}, PHASE_FAILED, 0, NULL},
	HEAD("!") "a@b\n" TO "                             (failed)\n" TO
		  "                             (550 no)\n" TO "c@d\n"},
    {"escape sequences",
	{"\x1b[2J@b", {{"c\x9b@d", RECIPIENT_PENDING, "4\n\r\x7f\\"}},
	    PHASE_DEFERRED, 0, NULL},
	HEAD("") "\\x1b[2J@b\n"
		 "                                            "
		 "(deferred, next Tue Nov 14 22:14:20)\n" TO
		 "                  (4\\x0a\\x0d\\x7f\\x5c)\n" TO "c\\x9b@d\n"},
    {"escape sequences in a reason",
	{"a@b", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_HELD, 2,
	    "\x1b[2J\n)\\"},
	HEAD("!") "a@b\n" TO "(held, 2 attempts: \\x1b[2J\\x0a)\\x5c)\n" TO
		  "c@d\n"},
};

START_TEST(a_message_is_listed_as_mailq_does)
{
	struct buf got = BUF_INIT;
	const char *want = lists[_i].want;

	format(&lists[_i].sample, false, &got);
	/* The columns of reasons are looked at below. */
	for (const char *g = got.data; *g || *want;) {
		g += strspn(g, " ");
		want += strspn(want, " ");
		ck_assert_msg(*g == *want, "%s: got\n%s\nwant\n%s",
		    lists[_i].name, got.data, lists[_i].want);
		g += *g != '\0';
		want += *want != '\0';
	}
	buf_release(&got);
}
END_TEST

/* A list of a real postfix 3.7, and the same message here. */
START_TEST(columns_are_where_postfix_has_them)
{
	static const char heading[] =
	    "-Queue ID-  --Size-- ----Arrival Time---- "
	    "-Sender/Recipient-------\n";
	static const char want[] =
	    "10000000000    1234 Tue Nov 14 22:13:20  a@example.com\n"
	    "                                                      "
	    "(come back later please)\n"
	    "                                         b@example.net\n";
	static const struct sample sample = {"a@example.com",
	    {{"b@example.net", RECIPIENT_PENDING, "come back later please"}},
	    PHASE_NEW, 0, NULL};
	struct buf got = BUF_INIT;

	format(&sample, false, &got);
	ck_assert_str_eq(got.data, want);
	ck_assert_str_eq(entry_heading, heading);
	buf_release(&got);
}
END_TEST

/* ---- on a terminal ------------------------------------------------- */

#define X10	"xxxxxxxxxx"
#define X40	X10 X10 X10 X10
#define X70	X40 X10 X10 X10
#define WORDS	"450 4.2.0 come back a little later "
#define LONG_TO X40 "." X10 "@example.com" /* 63 */

static const struct {
	const char *name;
	struct sample sample;
	const char *site;
	int width;
	const char *want;
} broken[] = {
    {"what fits is as it was",
	{"a@b", {{"c@d", RECIPIENT_PENDING, "450 later"}}, PHASE_DEFERRED, 0,
	    NULL},
	NULL, 80,
	HEAD(" ") "a@b\n"
		  "                                          "
		  "(deferred, next Tue Nov 14 22:14:20)\n" TO
		  "                          (450 later)\n" TO "c@d\n"},
    {"words go to the next line",
	{"a@b", {{"c@d", RECIPIENT_PENDING, WORDS WORDS WORDS "."}}, PHASE_NEW,
	    0, NULL},
	NULL, 80,
	HEAD(
	    " ") "a@b\n"
		 "            (450 4.2.0 come back a little later 450 4.2.0 "
		 "come back a little\n"
		 "             later 450 4.2.0 come back a little later .)\n" TO
		 "c@d\n"},
    {"in a wider one there is more in a line",
	{"a@b", {{"c@d", RECIPIENT_PENDING, WORDS WORDS "."}}, PHASE_NEW, 0,
	    NULL},
	NULL, 90, HEAD(" ") "a@b\n     (" WORDS WORDS ".)\n" TO "c@d\n"},
    {"what has no words is cut",
	{"a@b", {{"c@d", RECIPIENT_PENDING, X70 X10}}, PHASE_NEW, 0, NULL},
	NULL, 80,
	HEAD(" ") "a@b\n"
		  "            (" X40 X10 X10 "xxxxxx\n"
		  "             " X10 "xxxx)\n" TO "c@d\n"},
    {"what a byte is shown as is cut like a word",
	{"a@b", {{"c@d", RECIPIENT_PENDING, X70 "\033\033\033"}}, PHASE_NEW, 0,
	    NULL},
	NULL, 80,
	HEAD(" ") "a@b\n"
		  "            (" X40 X10 X10 "xxxxxx\n"
		  "             xxxx\\x1b\\x1b\\x1b)\n" TO "c@d\n"},
    {"addresses end with the line",
	{X40 "@example.com", {{LONG_TO, RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0,
	    NULL},
	NULL, 80,
	"10000000000    1234 Tue Nov 14 22:13:20\n"
	"                            " X40
	"@example.com\n                 " LONG_TO "\n"},
    {"what is longer than a line is whole",
	{"a@b", {{X70 "@example.com", RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0,
	    NULL},
	NULL, 80, HEAD(" ") "a@b\n " X70 "@example.com\n"},
    {"nothing is broken for a narrow one",
	{"a@b", {{"c@d", RECIPIENT_PENDING, WORDS "."}}, PHASE_NEW, 0, NULL},
	NULL, 1,
	HEAD(" ") "a@b\n"
		  "                      (" WORDS ".)\n" TO "c@d\n"},
    {"a site with a long name takes a line",
	{"a@b", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0, NULL},
	"site1." X40, 80,
	"site1." X40 "/10000000000\n"
	"                                 1234 Tue Nov 14 22:13:20  a@b\n"
	"                                                           c@d\n"},
    {"a site takes room",
	{"somebodyelse@example.com", {{"c@d", RECIPIENT_PENDING, NULL}},
	    PHASE_NEW, 0, NULL},
	"site1.example.com", 80,
	"site1.example.com/10000000000    1234 Tue Nov 14 22:13:20\n"
	"                                                        "
	"somebodyelse@example.com\n"
	"                                                           c@d\n"},
};

START_TEST(on_a_terminal_lines_fit)
{
	struct message_state state;
	struct envelope envelope;
	struct entry e = {.id = 3656158440062976,
	    .envelope = &envelope,
	    .state = &state,
	    .site = broken[_i].site,
	    .site_width = broken[_i].site ? 17 : 0,
	    .width = broken[_i].width};
	struct buf got = BUF_INIT;

	make(&broken[_i].sample, &envelope, &state);
	entry_add_text(&got, &e, local_time_add);
	ck_assert_msg(strcmp(got.data, broken[_i].want) == 0,
	    "%s: got\n%s\nwant\n%s", broken[_i].name, got.data,
	    broken[_i].want);
	envelope_release(&envelope);
	state_release(&state);
	buf_release(&got);
}
END_TEST

START_TEST(so_does_the_heading)
{
	const struct entry e = {
	    .site = "site1.example.com", .site_width = 17, .width = 80};
	struct buf got = BUF_INIT;

	entry_add_heading(&got, &e);
	ck_assert_uint_eq(got.len, 81);
	ck_assert_int_eq(got.data[80], '\n');
	buf_release(&got);
}
END_TEST

START_TEST(one_that_is_being_sent_is_marked)
{
	static const struct sample sample = {
	    "a@b", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0, NULL};
	struct message_state state;
	struct envelope envelope;
	struct buf got = BUF_INIT;
	struct entry e = {.id = 3656158440062976,
	    .envelope = &envelope,
	    .state = &state,
	    .is_sending = true};

	make(&sample, &envelope, &state);
	entry_add_text(&got, &e, local_time_add);
	ck_assert_int_eq(strncmp(got.data, "10000000000*", 12), 0);
	ck_assert_ptr_nonnull(strstr(got.data, "(sending)\n"));
	buf_clear(&got);
	entry_add_json(&got, &e, "shop");
	ck_assert_ptr_nonnull(strstr(got.data, "\"queue_name\": \"active\""));
	ck_assert_ptr_nonnull(
	    strstr(got.data, "\"site\": \"shop\", \"state\": \"sending\""));
	envelope_release(&envelope);
	state_release(&state);
	buf_release(&got);
}
END_TEST

/* Of a hostile spool, in either zone. */
START_TEST(a_time_beyond_all_calendars_moves_no_column)
{
	static const int64_t times[] = {
	    INT64_MIN, -1, 0, INT64_C(253402300800000), INT64_MAX};
	const struct sample sample = {
	    "a@b", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_DEFERRED, 0, NULL};
	struct message_state state;
	struct envelope envelope;
	struct buf got = BUF_INIT;

	make(&sample, &envelope, &state);
	envelope.submitted_ms = times[_i / 2];
	state.due_ms = times[_i / 2];
	entry_add_text(&got,
	    &(struct entry){
		.id = UINT64_MAX, .envelope = &envelope, .state = &state},
	    _i % 2 ? local_time_add : add_utc);
	/* Thirteen digits of an id are two more than the column has. */
	ck_assert_msg(strncmp(got.data + 43, "a@b\n", 4) == 0, "%jd: got\n%s",
	    (intmax_t)times[_i / 2], got.data);
	for (size_t i = 0; i < got.len; i++)
		ck_assert(got.data[i] == '\n' ||
			  (got.data[i] >= ' ' && got.data[i] <= '~'));
	envelope_release(&envelope);
	state_release(&state);
	buf_release(&got);
}
END_TEST

START_TEST(a_damaged_message_is_listed_with_the_time_of_its_id)
{
	const struct entry e = {.id = UINT64_C(1700000000123456)};
	struct buf got = BUF_INIT;

	entry_add_text(&got, &e, local_time_add);
	ck_assert_ptr_nonnull(strstr(got.data, "GQLL7VDGZK!"));
	ck_assert_ptr_nonnull(strstr(got.data, "Tue Nov 14 22:13:20"));
	ck_assert_ptr_nonnull(strstr(got.data, "(damaged"));
	buf_release(&got);
}
END_TEST

/* ---- JSON ---------------------------------------------------------- */

#define SUBMITTER                                                              \
	"\"uid\": 33, \"pid\": 4711, \"ppid\": null, \"cwd\": null, "          \
	"\"argv\": null, \"script\": null}\n"

static const struct {
	const char *name;
	struct sample sample;
	const char *want;
} objects[] = {
    {"new", {"a@b", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0, NULL},
	"{\"queue_name\": \"active\", \"queue_id\": \"10000000000\", "
	"\"arrival_time\": 1700000000, \"message_size\": 1234, "
	"\"forced_expire\": false, \"sender\": \"a@b\", "
	"\"recipients\": [{\"address\": \"c@d\"}], \"site\": \"\", "
	"\"state\": \"new\", \"attempts\": 0, \"next_attempt\": "
	"1700000060, " SUBMITTER},
    {"held, null sender",
	{"", {{"c@d", RECIPIENT_PENDING, NULL}}, PHASE_HELD, 2, "why"},
	"{\"queue_name\": \"hold\", \"queue_id\": \"10000000000\", "
	"\"arrival_time\": 1700000000, \"message_size\": 1234, "
	"\"forced_expire\": false, \"sender\": \"MAILER-DAEMON\", "
	"\"recipients\": [{\"address\": \"c@d\", "
	"\"delay_reason\": \"why\"}], \"site\": \"\", "
	"\"state\": \"held\", \"attempts\": 2, \"next_attempt\": "
	"null, " SUBMITTER},
};

START_TEST(a_message_is_an_object_as_of_postqueue)
{
	struct buf got = BUF_INIT;

	format(&objects[_i].sample, true, &got);
	ck_assert_msg(strcmp(got.data, objects[_i].want) == 0,
	    "%s: got\n%s\nwant\n%s", objects[_i].name, got.data,
	    objects[_i].want);
	buf_release(&got);
}
END_TEST

static const struct {
	enum message_phase phase;
	const char *queue;
	const char *state;
} queues[] = {
    {PHASE_NEW, "active", "new"},
    {PHASE_DEFERRED, "deferred", "deferred"},
    {PHASE_HELD, "hold", "held"},
    {PHASE_FAILED, "hold", "failed"},
};

static json_t *
load(const struct buf *line)
{
	json_error_t error;
	json_t *o = json_loadb(line->data, line->len, 0, &error);

	ck_assert_msg(o != NULL, "%s: %s", line->data, error.text);
	/* One line, and nothing in it that a terminal acts on. */
	for (size_t i = 0; i < line->len - 1; i++)
		ck_assert_int_ge(line->data[i], 32);
	ck_assert_int_eq(line->data[line->len - 1], '\n');
	return o;
}

START_TEST(the_queue_follows_from_the_state)
{
	struct sample sample = {"a", {{"b", RECIPIENT_PENDING, NULL}},
	    queues[_i].phase, 0, queues[_i].phase == PHASE_HELD ? "why" : NULL};
	struct buf got = BUF_INIT;
	json_t *o;

	format(&sample, true, &got);
	o = load(&got);
	ck_assert_str_eq(json_string_value(json_object_get(o, "queue_name")),
	    queues[_i].queue);
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "state")), queues[_i].state);
	json_decref(o);
	buf_release(&got);
}
END_TEST

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *name;
	const char *reply;
	const char *want;
} replies[] = {
    {"UTF-8", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
	"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"Latin-1", "M\xfcller", "M" BAD "ller"},
    {"cut at the end", "\xe2\x82", BAD BAD},
    {"overlong", "\xc0\xaf\xe0\x80\xaf", BAD BAD BAD BAD BAD},
    {"surrogate", "\xed\xa0\x80", BAD BAD BAD},
    {"beyond Unicode", "\xf4\x90\x80\x80\xff", BAD BAD BAD BAD BAD},
    {"continuation alone", "\x80x", BAD "x"},
    {"control characters", "a\nb\x1b[2J\"\\", "a\nb\x1b[2J\"\\"},
    {"DEL", "\x7f", BAD},
};

START_TEST(any_bytes_make_valid_json)
{
	struct sample sample = {"a",
	    {{"b", RECIPIENT_PENDING, replies[_i].reply}}, PHASE_DEFERRED, 1,
	    NULL};
	struct buf got = BUF_INIT;
	const char *reason;
	json_t *o;

	format(&sample, true, &got);
	o = load(&got);
	reason = json_string_value(
	    json_object_get(json_array_get(json_object_get(o, "recipients"), 0),
		"delay_reason"));
	ck_assert_msg(reason && strcmp(reason, replies[_i].want) == 0,
	    "%s: got %s, want %s", replies[_i].name, reason, replies[_i].want);
	json_decref(o);
	buf_release(&got);
}
END_TEST

static void
check_text(const json_t *o, const char *key, const char *want)
{
	const char *got = json_string_value(json_object_get(o, key));

	ck_assert_msg(got && strcmp(got, want) == 0, "%s: got %s, want %s", key,
	    got, want);
}

START_TEST(what_is_known_of_the_submitter_is_there_whatever_it_is)
{
	const struct sample sample = {
	    "a", {{"b", RECIPIENT_PENDING, NULL}}, PHASE_NEW, 0, NULL};
	const struct submitter submitter = {.uid = UINT32_MAX,
	    .pid = 1,
	    .ppid = UINT32_MAX,
	    .cwd = (char[]){"/\r\n/\x1b[2J"},
	    .argv = (char[]){"sendmail \"-t\" \\ \xff"},
	    .script = (char[]){"\x7f"
			       "a\xc3\xa4.php"}};
	struct message_state state;
	struct envelope envelope;
	struct buf got = BUF_INIT;
	json_t *o;

	make(&sample, &envelope, &state);
	submitter_copy(&envelope.submitter, &submitter);
	entry_add_json(&got,
	    &(struct entry){.id = 1, .envelope = &envelope, .state = &state},
	    "");
	o = load(&got);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(o, "uid")), UINT32_MAX);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "pid")), 1);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(o, "ppid")), UINT32_MAX);
	check_text(o, "cwd", "/\r\n/\x1b[2J");
	check_text(o, "argv", "sendmail \"-t\" \\ " BAD);
	check_text(o, "script", BAD "a\xc3\xa4.php");
	json_decref(o);
	buf_release(&got);
	envelope_release(&envelope);
	state_release(&state);
}
END_TEST

START_TEST(a_damaged_message_has_every_key)
{
	static const char *const keys[] = {"queue_name", "queue_id",
	    "arrival_time", "message_size", "forced_expire", "sender",
	    "recipients", "site", "state", "attempts", "next_attempt", "uid",
	    "pid", "ppid", "cwd", "argv", "script"};
	const struct entry e = {.id = UINT64_MAX};
	struct buf got = BUF_INIT;
	json_t *o;

	entry_add_json(&got, &e, "");
	o = load(&got);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ck_assert_msg(json_object_get(o, keys[i]) != NULL,
		    "%s: got nothing", keys[i]);
	ck_assert_uint_eq(json_object_size(o), ARRAY_LEN(keys));
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "state")), "damaged");
	json_decref(o);
	buf_release(&got);
}
END_TEST

Suite *
entry_suite(void)
{
	Suite *s = suite_create("entry");
	TCase *tc = tcase_create("entry");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(
	    tc, a_message_is_listed_as_mailq_does, 0, (int)ARRAY_LEN(lists));
	tcase_add_test(tc, columns_are_where_postfix_has_them);
	tcase_add_loop_test(
	    tc, on_a_terminal_lines_fit, 0, (int)ARRAY_LEN(broken));
	tcase_add_test(tc, so_does_the_heading);
	tcase_add_test(tc, one_that_is_being_sent_is_marked);
	tcase_add_loop_test(
	    tc, a_time_beyond_all_calendars_moves_no_column, 0, 2 * 5);
	tcase_add_test(tc, a_damaged_message_is_listed_with_the_time_of_its_id);
	tcase_add_loop_test(tc, a_message_is_an_object_as_of_postqueue, 0,
	    (int)ARRAY_LEN(objects));
	tcase_add_loop_test(
	    tc, the_queue_follows_from_the_state, 0, (int)ARRAY_LEN(queues));
	tcase_add_loop_test(
	    tc, any_bytes_make_valid_json, 0, (int)ARRAY_LEN(replies));
	tcase_add_test(
	    tc, what_is_known_of_the_submitter_is_there_whatever_it_is);
	tcase_add_test(tc, a_damaged_message_has_every_key);
	suite_add_tcase(s, tc);
	return s;
}
