/* SPDX-License-Identifier: ISC */
#include "flushd/prober.h"
#include "base/log.h"
#include "flushd/child.h"
#include "flushd/event.h"
#include "flushd/host.h"
#include "flushd/link.h"
#include "site/sandbox.h"

/* A relay that has no room for a small message has none at all. */
enum { PROBE_LEN = 10000 };

struct prober {
	sd_event *event;
	struct link *link;
	bool has_probed;
};

static void
conclude(struct prober *p)
{
	const struct smtp_result *result = smtp_result(link_smtp(p->link));
	int status = CHILD_EXIT_DONE;

	if (result->is_relay_down || result->is_alarming)
		log_warning("relay says: %s",
		    result->relay_reason ? result->relay_reason : "nothing");
	if (result->is_relay_down || !p->has_probed)
		status = CHILD_EXIT_RELAY_DOWN;
	event_must(sd_event_exit(p->event, status), "exit");
}

static bool
on_ready(void *context)
{
	struct prober *p = context;

	if (smtp_want(link_smtp(p->link)) == SMTP_WANT_MESSAGE &&
	    !p->has_probed) {
		p->has_probed = true;
		smtp_probe(link_smtp(p->link), PROBE_LEN);
		return true;
	}
	conclude(p);
	return false;
}

int
prober_main(void)
{
	struct prober p = {0};
	char host[HOST_NAME_SIZE];
	int rc;

	log_use_levels();
	if (!sandbox_enter_nothing())
		return CHILD_EXIT_FAILED;
	host_name(host);
	event_must(sd_event_new(&p.event), "event loop");
	p.link = link_new(p.event, CHILD_CHANNEL, host, on_ready, &p);
	rc = sd_event_loop(p.event);
	link_free(p.link);
	sd_event_unref(p.event);
	return rc < 0 ? CHILD_EXIT_FAILED : rc;
}
