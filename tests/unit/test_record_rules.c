/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "spool/record.h"
#include "unit/record_kinds.h"
#include "unit/suites.h"

/* ---- records written by hand --------------------------------------- */

/*
 * Fields as text, so that a table can hold them: "TAG=" and a decimal number
 * for an integer, "TAG:" and bytes up to a newline for anything else.
 */
static void
add_fields(struct buf *out, const char *fields)
{
	while (*fields) {
		char *end;
		unsigned char head[5] = {
		    (unsigned char)strtoul(fields, &end, 10)};
		unsigned char number[8];
		const char *data = end + 1;
		size_t len = strcspn(data, "\n");

		fields = data + len + (data[len] == '\n');
		if (*end == '=') {
			bytes_put_be64(number, strtoull(data, NULL, 10));
			data = (const char *)number;
			len = sizeof(number);
		}
		bytes_put_be32(head + 1, (uint32_t)len);
		buf_add(out, head, sizeof(head));
		buf_add(out, data, len);
	}
}

#define SETTINGS     "1=1\n2=2\n3=3\n4=1\n5:d\n6=4\n7=0\n"
#define COUNTERS     "1=1\n2=2\n3:01234567012345670123456701234567\n4=0\n"
#define ENVELOPE     "1:a@b\n2:c@d\n3=1\n4=2\n5=3\n6=4\n"
#define STATE(phase) "1=" phase "\n2=1\n3=0\n4=5\n5=6\n"
#define RECIPIENT    "7:\x01\n"

static const struct {
	const char *name;
	const char *kind;
	const char *fields;
	int want;
} by_hand[] = {
    {"settings", "settings", SETTINGS, 0},
    {"no field at all", "settings", "", -EBADMSG},
    {"one field missing", "settings", "1=1\n2=2\n3=3\n4=1\n5:d\n6=4\n",
	-EBADMSG},
    {"a field twice", "settings", SETTINGS "1=1\n", -EBADMSG},
    {"a flag of 2", "settings", "1=1\n2=2\n3=3\n4=2\n5:d\n6=4\n7=0\n",
	-EBADMSG},
    {"a number of 7 bytes", "settings",
	"1:1234567\n2=2\n3=3\n4=1\n5:d\n6=4\n7=0\n", -EBADMSG},
    {"a number of 9 bytes", "settings",
	"1:123456789\n2=2\n3=3\n4=1\n5:d\n6=4\n7=0\n", -EBADMSG},
    {"other order", "settings", "7=1\n6=4\n5:d\n4=0\n3=3\n2=2\n1=1\n", 0},
    {"counters", "counters", COUNTERS, 0},
    {"three phases", "counters", "1=1\n2=2\n3:012345670123456701234567\n4=0\n",
	-EBADMSG},
    {"five phases", "counters",
	"1=1\n2=2\n3:0123456701234567012345670123456701234567\n4=0\n",
	-EBADMSG},
    {"envelope", "envelope", ENVELOPE, 0},
    {"null sender", "envelope", "1:\n2:c@d\n3=1\n4=2\n5=3\n6=4\n", 0},
    {"no recipient", "envelope", "1:a@b\n3=1\n4=2\n5=3\n6=4\n", -EBADMSG},
    {"no sender", "envelope", "2:c@d\n3=1\n4=2\n5=3\n6=4\n", -EBADMSG},
    {"two senders", "envelope", ENVELOPE "1:a@b\n", -EBADMSG},
    {"two recipients", "envelope", ENVELOPE "2:e@f\n", 0},
    {"a recipient twice", "envelope", ENVELOPE "2:e@f\n2:c@d\n", -EBADMSG},
    {"empty recipient", "envelope", ENVELOPE "2:\n", -EBADMSG},
    {"time before 1970", "envelope",
	"1:a@b\n2:c@d\n3=18446744073709551615\n4=2\n5=3\n6=4\n", -EBADMSG},
    {"uid of 33 bits", "envelope",
	"1:a@b\n2:c@d\n3=1\n4=2\n5=4294967296\n6=4\n", -EBADMSG},
    {"pid of 33 bits", "envelope",
	"1:a@b\n2:c@d\n3=1\n4=2\n5=3\n6=4294967296\n", -EBADMSG},
    {"all parameters", "envelope",
	ENVELOPE "7=2\n8:rfc822;c@d\n9=1\n10=2\n11:x y\n12=1\n", 0},
    {"the order of parameters", "envelope", "11:x\n" ENVELOPE "8:a;b\n7=1\n",
	0},
    {"notify of two recipients", "envelope", ENVELOPE "7=1\n2:e@f\n7=1\n", 0},
    {"notify of nobody", "envelope", "7=1\n" ENVELOPE, -EBADMSG},
    {"notify twice", "envelope", ENVELOPE "7=2\n7=4\n", -EBADMSG},
    {"notify 0", "envelope", ENVELOPE "7=0\n", -EBADMSG},
    {"notify 16", "envelope", ENVELOPE "7=16\n", -EBADMSG},
    {"never and more", "envelope", ENVELOPE "7=3\n", -EBADMSG},
    {"original of nobody", "envelope", "8:a;b\n" ENVELOPE, -EBADMSG},
    {"original twice", "envelope", ENVELOPE "8:a;b\n8:a;b\n", -EBADMSG},
    {"original without a type", "envelope", ENVELOPE "8:c@d\n", -EBADMSG},
    {"original with CR", "envelope", ENVELOPE "8:a;b\r\n", -EBADMSG},
    {"body 3", "envelope", ENVELOPE "9=3\n", -EBADMSG},
    {"body twice", "envelope", ENVELOPE "9=1\n9=1\n", -EBADMSG},
    {"ret 3", "envelope", ENVELOPE "10=3\n", -EBADMSG},
    {"empty envid", "envelope", ENVELOPE "11:\n", -EBADMSG},
    {"envid with CR", "envelope", ENVELOPE "11:a\r\n", -EBADMSG},
    {"envid beyond ASCII", "envelope", ENVELOPE "11:\xc3\xa9\n", -EBADMSG},
    {"envid twice", "envelope", ENVELOPE "11:a\n11:a\n", -EBADMSG},
    {"SMTPUTF8 of 2", "envelope", ENVELOPE "12=2\n", -EBADMSG},
    {"parent of 33 bits", "envelope", ENVELOPE "13=4294967296\n", -EBADMSG},
    {"all of the submitter", "envelope",
	ENVELOPE "13=1\n14:\n15:\xff\x1b[2J\r\n16:s\n", 0},
    {"argv twice", "envelope", ENVELOPE "15:a\n15:a\n", -EBADMSG},
    {"new", "state", STATE("0") RECIPIENT, 0},
    {"failed", "state", STATE("3") RECIPIENT RECIPIENT, 0},
    {"phase 4", "state", STATE("4") RECIPIENT, -EBADMSG},
    {"phase of 33 bits", "state", STATE("4294967296") RECIPIENT, -EBADMSG},
    {"no recipient state", "state", STATE("0"), -EBADMSG},
    {"status 4", "state", STATE("0") "7:\x04\n", -EBADMSG},
    {"status 255", "state", STATE("0") "7:\xff\n", -EBADMSG},
    {"no status", "state", STATE("0") "7:\n", -EBADMSG},
    {"reported", "state", STATE("3") "7:\x03\n", 0},
    {"age", "state", STATE("1") RECIPIENT "8=5\n9=1\n10=7\n", 0},
    {"age below 0", "state", STATE("1") RECIPIENT "8=9223372036854775808\n",
	-EBADMSG},
    {"time of a boot below 0", "state",
	STATE("1") RECIPIENT "10=9223372036854775808\n", -EBADMSG},
    {"delay reported twice", "state", STATE("1") RECIPIENT "11=2\n", -EBADMSG},
    {"held", "state", STATE("2") RECIPIENT "6:why\n", 0},
    {"held without a reason", "state", STATE("2") RECIPIENT, -EBADMSG},
    {"held for an empty reason", "state", STATE("2") RECIPIENT "6:\n", 0},
    {"a reason, not held", "state", STATE("0") RECIPIENT "6:why\n", -EBADMSG},
    {"two reasons", "state", STATE("2") RECIPIENT "6:a\n6:b\n", -EBADMSG},
    {"due before 1970", "state",
	"1=0\n2=1\n3=0\n4=9223372036854775808\n5=6\n" RECIPIENT, -EBADMSG},
};

START_TEST(what_the_format_forbids_is_damage)
{
	struct buf bytes = BUF_INIT;
	struct buf again = BUF_INIT;
	int rc;

	add_fields(&bytes, by_hand[_i].fields);
	rc = record_kind_find(by_hand[_i].kind)
		 ->recode(bytes.data, bytes.len, &again);
	ck_assert_msg(rc == by_hand[_i].want, "%s: got %d, want %d",
	    by_hand[_i].name, rc, by_hand[_i].want);
	buf_release(&bytes);
	buf_release(&again);
}
END_TEST

/* ---- identity ------------------------------------------------------ */

static const struct {
	const char *name;
	char magic[16];
	size_t site_len;
	int want;
} identities[] = {
    {"ours", "mini-sendmail\0\0\1", 4, 0},
    {"no name", "mini-sendmail\0\0\1", 0, 0},
    {"longest name", "mini-sendmail\0\0\1", 255, 0},
    {"name too long", "mini-sendmail\0\0\1", 256, -EBADMSG},
    {"next version", "mini-sendmail\0\0\2", 4, -EBADMSG},
    {"version 257", "mini-sendmail\0\1\1", 4, -EBADMSG},
    {"other program", "maxi-sendmail\0\0\1", 4, -EBADMSG},
};

START_TEST(an_identity_of_another_format_is_refused)
{
	struct buf bytes = BUF_INIT;
	struct buf again = BUF_INIT;
	unsigned char head[5] = {2};
	int rc;

	buf_add(&bytes, identities[_i].magic, sizeof(identities[_i].magic));
	add_fields(&bytes, "1=7\n3=8\n4=9\n");
	bytes_put_be32(head + 1, (uint32_t)identities[_i].site_len);
	buf_add(&bytes, head, sizeof(head));
	for (size_t i = 0; i < identities[_i].site_len; i++)
		buf_add_char(&bytes, 's');
	rc =
	    record_kind_find("identity")->recode(bytes.data, bytes.len, &again);
	ck_assert_msg(rc == identities[_i].want, "%s: got %d, want %d",
	    identities[_i].name, rc, identities[_i].want);
	buf_release(&bytes);
	buf_release(&again);
}
END_TEST

/* ---- addresses ----------------------------------------------------- */

static const struct {
	const char *name;
	const char *address;
	size_t len;
	int want;
} addresses[] = {
    {"plain", "c@example.org", 13, 0},
    {"unqualified", "root", 4, 0},
    {"CR", "c@d\r", 4, -EBADMSG},
    {"LF", "c\n@d", 4, -EBADMSG},
    {"CRLF and a command", "c@d>\r\nDATA", 10, -EBADMSG},
    {"NUL", "c@d\0e", 5, -EBADMSG},
    {"NUL alone", "\0", 1, -EBADMSG},
    {"opening bracket", "<c@d", 4, -EBADMSG},
    {"closing bracket", "c@d>", 4, -EBADMSG},
    {"blank", "c@d SIZE=1", 10, -EBADMSG},
    {"tab", "c\t@d", 4, -EBADMSG},
    {"DEL", "c\x7f@d", 4, -EBADMSG},
    {"open quote", "\"c@d", 4, -EBADMSG},
    {"CR in quotes", "\"c\r\"@d", 6, -EBADMSG},
    {"NUL behind a backslash", "\"c\\\0\"@d", 7, -EBADMSG},
};

static int
decode_with_addresses(
    const char *sender, size_t sender_len, const char *rcpt, size_t rcpt_len)
{
	struct buf bytes = BUF_INIT;
	struct buf again = BUF_INIT;
	unsigned char head[5] = {1};
	int rc;

	bytes_put_be32(head + 1, (uint32_t)sender_len);
	buf_add(&bytes, head, sizeof(head));
	buf_add(&bytes, sender, sender_len);
	head[0] = 2;
	bytes_put_be32(head + 1, (uint32_t)rcpt_len);
	buf_add(&bytes, head, sizeof(head));
	buf_add(&bytes, rcpt, rcpt_len);
	add_fields(&bytes, "3=1\n4=2\n5=3\n6=4\n");
	rc =
	    record_kind_find("envelope")->recode(bytes.data, bytes.len, &again);
	buf_release(&bytes);
	buf_release(&again);
	return rc;
}

START_TEST(an_address_that_could_end_a_command_is_refused)
{
	const char *address = addresses[_i].address;
	const size_t len = addresses[_i].len;
	int rc;

	rc = decode_with_addresses("a", 1, address, len);
	ck_assert_msg(rc == addresses[_i].want,
	    "%s as recipient: got %d, want %d", addresses[_i].name, rc,
	    addresses[_i].want);
	rc = decode_with_addresses(address, len, "a", 1);
	ck_assert_msg(rc == addresses[_i].want, "%s as sender: got %d, want %d",
	    addresses[_i].name, rc, addresses[_i].want);
}
END_TEST

START_TEST(an_address_has_1024_bytes_at_most)
{
	char address[1025];

	memset(address, 'x', sizeof(address));
	ck_assert_int_eq(decode_with_addresses("a", 1, address, 1024), 0);
	ck_assert_int_eq(decode_with_addresses(address, 1024, "a", 1), 0);
	ck_assert_int_eq(
	    decode_with_addresses("a", 1, address, 1025), -EBADMSG);
	ck_assert_int_eq(
	    decode_with_addresses(address, 1025, "a", 1), -EBADMSG);
}
END_TEST

/* ---- limits -------------------------------------------------------- */

START_TEST(a_reply_has_512_bytes_at_most_and_no_nul)
{
	static const struct {
		size_t len;
		char last;
		int want;
	} rows[] = {{512, 'x', 0}, {513, 'x', -EBADMSG}, {512, '\0', -EBADMSG}};
	char reply[1 + 513] = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf bytes = BUF_INIT;
		struct buf again = BUF_INIT;
		unsigned char head[5] = {7};

		memset(reply + 1, 'x', sizeof(reply) - 1);
		reply[rows[i].len] = rows[i].last;
		add_fields(&bytes, STATE("0"));
		bytes_put_be32(head + 1, (uint32_t)rows[i].len + 1);
		buf_add(&bytes, head, sizeof(head));
		buf_add(&bytes, reply, rows[i].len + 1);
		ck_assert_int_eq(record_kind_find("state")->recode(
				     bytes.data, bytes.len, &again),
		    rows[i].want);
		buf_release(&bytes);
		buf_release(&again);
	}
}
END_TEST

/* So have the texts about the submitter, each its limit. */
START_TEST(a_submitter_has_its_limits_and_no_nul)
{
	static const struct {
		unsigned char tag;
		size_t max;
	} rows[] = {{14, 512}, {15, 1024}, {16, 512}};
	char text[1025];

	for (size_t n = 0; n < 3 * ARRAY_LEN(rows); n++) {
		const size_t i = n / 3;
		const size_t len = rows[i].max + (n % 3 == 1);
		unsigned char head[5] = {rows[i].tag};
		struct buf bytes = BUF_INIT;
		struct buf again = BUF_INIT;
		int rc;

		memset(text, 'x', sizeof(text));
		if (n % 3 == 2)
			text[len - 1] = '\0';
		add_fields(&bytes, ENVELOPE);
		bytes_put_be32(head + 1, (uint32_t)len);
		buf_add(&bytes, head, sizeof(head));
		buf_add(&bytes, text, len);
		rc = record_kind_find("envelope")
			 ->recode(bytes.data, bytes.len, &again);
		ck_assert_msg(rc == (n % 3 ? -EBADMSG : 0),
		    "tag %d, row %zu: got %d", rows[i].tag, n % 3, rc);
		buf_release(&bytes);
		buf_release(&again);
	}
}
END_TEST

START_TEST(a_record_has_10000_recipients_at_most)
{
	struct buf bytes = BUF_INIT;
	struct buf again = BUF_INIT;

	add_fields(&bytes, STATE("0"));
	for (int i = 0; i < ENVELOPE_RECIPIENTS_MAX; i++)
		add_fields(&bytes, RECIPIENT);
	ck_assert_int_eq(
	    record_kind_find("state")->recode(bytes.data, bytes.len, &again),
	    0);
	add_fields(&bytes, RECIPIENT);
	ck_assert_int_eq(
	    record_kind_find("state")->recode(bytes.data, bytes.len, &again),
	    -EBADMSG);
	buf_release(&bytes);
	buf_release(&again);
}
END_TEST

START_TEST(a_damaged_record_leaves_what_the_caller_had)
{
	struct spool_identity identity = {.directory_inode = 99};
	struct spool_settings settings = {.quota_bytes = 99};
	struct spool_counters counters = {.bytes = 99};
	struct message_state state = {.attempts = 99};
	struct envelope envelope = {.text_len = 99};
	const char *bad = "bad";

	ck_assert_int_lt(record_decode_identity(bad, 3, &identity), 0);
	ck_assert_int_lt(record_decode_settings(bad, 3, &settings), 0);
	ck_assert_int_lt(record_decode_counters(bad, 3, &counters), 0);
	ck_assert_int_lt(record_decode_envelope(bad, 3, &envelope), 0);
	ck_assert_int_lt(record_decode_state(bad, 3, &state), 0);
	ck_assert_uint_eq(identity.directory_inode, 99);
	ck_assert_uint_eq(settings.quota_bytes, 99);
	ck_assert_uint_eq(counters.bytes, 99);
	ck_assert_uint_eq(envelope.text_len, 99);
	ck_assert_uint_eq(state.attempts, 99);
}
END_TEST

/* docs/spool-format.md, byte by byte. */
START_TEST(an_envelope_looks_as_documented)
{
	static const char want[] = "\1\0\0\0\3a@b"
				   "\2\0\0\0\3c@d"
				   "\3\0\0\0\x8\0\0\0\0\0\0\1\2"
				   "\4\0\0\0\x8\0\0\0\0\0\0\0\3"
				   "\5\0\0\0\x8\0\0\0\0\0\0\0\4"
				   "\6\0\0\0\x8\0\0\0\0\0\0\0\5";
	struct recipient recipient = {.address = alloc_copy("c@d", 3)};
	struct envelope e = {.sender = alloc_copy("a@b", 3),
	    .recipients = &recipient,
	    .recipient_count = 1,
	    .submitted_ms = 258,
	    .text_len = 3,
	    .submitter = {.uid = 4, .pid = 5}};
	struct buf bytes = BUF_INIT;

	record_encode_envelope(&e, &bytes);
	ck_assert_uint_eq(bytes.len, sizeof(want) - 1);
	ck_assert_mem_eq(bytes.data, want, bytes.len);
	buf_release(&bytes);
	free(e.sender);
	free(recipient.address);
}
END_TEST

START_TEST(all_that_an_envelope_may_have_as_documented)
{
	static const char want[] = "\1\0\0\0\0"
				   "\2\0\0\0\3c@d"
				   "\7\0\0\0\x8\0\0\0\0\0\0\0\xe"
				   "\x8\0\0\0\5t;o p"
				   "\2\0\0\0\3e@f"
				   "\3\0\0\0\x8\0\0\0\0\0\0\1\2"
				   "\4\0\0\0\x8\0\0\0\0\0\0\0\3"
				   "\5\0\0\0\x8\0\0\0\0\0\0\0\4"
				   "\6\0\0\0\x8\0\0\0\0\0\0\0\5"
				   "\x9\0\0\0\x8\0\0\0\0\0\0\0\2"
				   "\xa\0\0\0\x8\0\0\0\0\0\0\0\1"
				   "\xb\0\0\0\2Q1"
				   "\xc\0\0\0\x8\0\0\0\0\0\0\0\1"
				   "\xd\0\0\0\x8\0\0\0\0\0\0\0\6"
				   "\xe\0\0\0\1/"
				   "\xf\0\0\0\4m -t"
				   "\x10\0\0\0\5a.php";
	struct buf bytes = BUF_INIT;
	struct envelope e;

	/* What is not there in the record is not there. */
	ck_assert_int_eq(record_decode_envelope(want, sizeof(want) - 1, &e), 0);
	ck_assert_uint_eq(e.recipients[0].notify,
	    NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY);
	ck_assert_str_eq(e.recipients[0].original, "t;o p");
	ck_assert_uint_eq(e.recipients[1].notify, 0);
	ck_assert_ptr_null(e.recipients[1].original);
	ck_assert_int_eq(e.body, BODY_8BITMIME);
	ck_assert_int_eq(e.ret, RET_HDRS);
	ck_assert_str_eq(e.envid, "Q1");
	ck_assert(e.is_smtputf8);
	ck_assert_uint_eq(e.submitter.ppid, 6);
	ck_assert_str_eq(e.submitter.cwd, "/");
	ck_assert_str_eq(e.submitter.argv, "m -t");
	ck_assert_str_eq(e.submitter.script, "a.php");
	record_encode_envelope(&e, &bytes);
	ck_assert_uint_eq(bytes.len, sizeof(want) - 1);
	ck_assert_mem_eq(bytes.data, want, bytes.len);
	buf_release(&bytes);
	envelope_release(&e);
}
END_TEST

Suite *
record_rules_suite(void)
{
	Suite *s = suite_create("record_rules");
	TCase *each = tcase_create("record_rules");

	tcase_add_loop_test(each, what_the_format_forbids_is_damage, 0,
	    (int)ARRAY_LEN(by_hand));
	tcase_add_loop_test(each, an_identity_of_another_format_is_refused, 0,
	    (int)ARRAY_LEN(identities));
	tcase_add_loop_test(each,
	    an_address_that_could_end_a_command_is_refused, 0,
	    (int)ARRAY_LEN(addresses));
	tcase_add_test(each, an_address_has_1024_bytes_at_most);
	tcase_add_test(each, a_reply_has_512_bytes_at_most_and_no_nul);
	tcase_add_test(each, a_submitter_has_its_limits_and_no_nul);
	tcase_add_test(each, a_record_has_10000_recipients_at_most);
	tcase_add_test(each, a_damaged_record_leaves_what_the_caller_had);
	tcase_add_test(each, an_envelope_looks_as_documented);
	tcase_add_test(each, all_that_an_envelope_may_have_as_documented);
	suite_add_tcase(s, each);
	return s;
}
