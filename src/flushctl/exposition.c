/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "flushctl/exposition.h"

#define PREFIX "mini_sendmail_"

/* ---- lines --------------------------------------------------------- */

void
exposition_add_label(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_add_str(out, "\\n");
		else if (*text == '"' || *text == '\\')
			buf_add_format(out, "\\%c", *text);
		else
			buf_add_char(out, *text);
	}
}

static void
add_family(
    struct buf *out, const char *name, const char *type, const char *help)
{
	buf_add_format(out,
	    "# HELP " PREFIX "%s %s\n"
	    "# TYPE " PREFIX "%s %s\n",
	    name, help, name, type);
}

static void
add_value(struct buf *out, uint64_t value)
{
	buf_add_format(out, " %" PRIu64 "\n", value);
}

/* A sample with one label. */
static void
add_sample(struct buf *out, const char *name, const char *label,
    const char *text, uint64_t value)
{
	buf_add_format(out, PREFIX "%s{%s=\"", name, label);
	exposition_add_label(out, text);
	buf_add_str(out, "\"}");
	add_value(out, value);
}

static void
add_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	add_family(out, name, "gauge", help);
	buf_add_format(out, PREFIX "%s", name);
	add_value(out, value);
}

/* ---- the relay, and flushd ----------------------------------------- */

static void
add_places(struct buf *out, const struct snapshot_relay *r)
{
	add_gauge(out, "relay_connections",
	    "Connections to the relay that are open.", r->connections.used);
	add_gauge(out, "relay_connections_max",
	    "Connections to the relay that may be open.", r->connections.max);
	add_gauge(out, "relay_connections_waiting_sites",
	    "Sites that wait for a connection.", r->connections.waiting);
	add_gauge(out, "workers", "Workers that run.", r->workers.used);
	add_gauge(out, "workers_max", "Workers that may run.", r->workers.max);
	add_gauge(out, "workers_waiting_sites", "Sites that wait for a worker.",
	    r->workers.waiting);
}

static void
add_relay(struct buf *out, const struct snapshot *s)
{
	const struct snapshot_relay *r = &s->relay;

	add_family(out, "relay_up", "gauge",
	    "Whether the relay takes mail, as far as flushd knows.");
	add_sample(out, "relay_up", "relay", r->name, r->is_up);
	add_gauge(out, "relay_breaker_open",
	    "Whether nothing is tried but probes, as the relay is down.",
	    !r->is_up);
	add_gauge(out, "relay_changed_timestamp_seconds",
	    "When the relay came up or went down last.",
	    (uint64_t)r->since_sec);
	add_places(out, r);
	add_gauge(out, "sites", "Sites that flushd serves.", s->count);
	if (r->started_sec > 0)
		add_gauge(out, "start_time_seconds", "When flushd was started.",
		    (uint64_t)r->started_sec);
	if (*r->version) {
		add_family(out, "build_info", "gauge",
		    "The version of flushd, with the value 1.");
		add_sample(out, "build_info", "version", r->version, 1);
	}
}

/* ---- sites --------------------------------------------------------- */

typedef uint64_t site_value_fn(const struct snapshot_site *site);

static uint64_t
bytes(const struct snapshot_site *site)
{
	return site->bytes;
}

static uint64_t
oldest_age(const struct snapshot_site *site)
{
	return site->oldest_age_sec > 0 ? (uint64_t)site->oldest_age_sec : 0;
}

static uint64_t
counted_time(const struct snapshot_site *site)
{
	return (uint64_t)site->counted_sec;
}

static uint64_t
is_in_error(const struct snapshot_site *site)
{
	return snapshot_is_in_error(site);
}

static uint64_t
submitted(const struct snapshot_site *site)
{
	return site->total[COUNTED_ARRIVED];
}

static uint64_t
refused(const struct snapshot_site *site)
{
	return site->total[COUNTED_REFUSED];
}

static uint64_t
completed(const struct snapshot_site *site)
{
	return site->total[COUNTED_LEFT];
}

static uint64_t
delivered(const struct snapshot_site *site)
{
	return site->total[COUNTED_SENT];
}

static uint64_t
deferred(const struct snapshot_site *site)
{
	return site->total[COUNTED_DEFERRED];
}

static uint64_t
failed(const struct snapshot_site *site)
{
	return site->total[COUNTED_FAILED];
}

static uint64_t
crashes(const struct snapshot_site *site)
{
	return site->crashes;
}

static const struct {
	const char *name;
	const char *type;
	const char *help;
	site_value_fn *value;
	bool is_counted; /* known only if the site was counted */
} families[] = {
    {"spool_bytes", "gauge", "Bytes that the messages of a site take.", bytes,
	true},
    {"oldest_message_age_seconds", "gauge",
	"Age of the oldest message of a site, waiting or kept; 0 if there is "
	"none.",
	oldest_age, true},
    {"counted_timestamp_seconds", "gauge",
	"When the messages of a site were counted last.", counted_time, true},
    {"site_in_error", "gauge",
	"Whether the mail of a site is not sent, as something went wrong.",
	is_in_error, false},
    {"messages_submitted_total", "counter",
	"Messages that came into the spool of a site, reports of failures too.",
	submitted, false},
    {"submissions_refused_total", "counter",
	"Submissions that a site's own senders refused, as the site says.",
	refused, false},
    {"messages_completed_total", "counter",
	"Messages that flushd has done with, so that they left the spool.",
	completed, false},
    {"recipients_delivered_total", "counter",
	"Recipients that the relay took a message for.", delivered, false},
    {"recipients_deferred_total", "counter",
	"Times that a recipient was put off, or the relay's word was lost.",
	deferred, false},
    {"recipients_failed_total", "counter",
	"Recipients that the relay refused for good, or so that a person "
	"must look at it.",
	failed, false},
    {"worker_failures_total", "counter", "Workers of a site that failed.",
	crashes, false},
};

static void
add_messages(struct buf *out, const struct snapshot *s)
{
	add_family(out, "messages", "gauge",
	    "Messages of a site by their state; new and deferred ones wait.");
	for (size_t i = 0; i < s->count; i++) {
		const struct snapshot_site *site = &s->sites[i];

		for (size_t j = 0; site->is_counted && j < PHASE_COUNT; j++) {
			buf_add_str(out, PREFIX "messages{site=\"");
			exposition_add_label(out, site->name);
			buf_add_format(
			    out, "\",state=\"%s\"}", message_phase_names[j]);
			add_value(out, site->count[j]);
		}
	}
}

static void
add_commits(struct buf *out, const struct snapshot *s)
{
	static const char name[] = "commit_duration_seconds";

	add_family(out, name, "summary",
	    "How long it took to record what became of a message, the wait for "
	    "the lock included.");
	for (size_t i = 0; i < s->count; i++) {
		const struct snapshot_site *site = &s->sites[i];

		buf_add_format(out, PREFIX "%s_sum{site=\"", name);
		exposition_add_label(out, site->name);
		buf_add_format(out, "\"} %" PRIu64 ".%06" PRIu64 "\n",
		    site->commit_us / 1000000, site->commit_us % 1000000);
		add_sample(out, "commit_duration_seconds_count", "site",
		    site->name, site->commits);
	}
}

static void
add_sites(struct buf *out, const struct snapshot *s)
{
	add_messages(out, s);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		add_family(
		    out, families[i].name, families[i].type, families[i].help);
		for (size_t j = 0; j < s->count; j++)
			if (s->sites[j].is_counted || !families[i].is_counted)
				add_sample(out, families[i].name, "site",
				    s->sites[j].name,
				    families[i].value(&s->sites[j]));
	}
	add_commits(out, s);
}

void
exposition_add(struct buf *out, const struct snapshot *s)
{
	add_gauge(out, "up", "Whether flushd answers.", s != NULL);
	if (!s)
		return;
	if (s->has_relay)
		add_relay(out, s);
	if (s->count > 0)
		add_sites(out, s);
}
