/* SPDX-License-Identifier: ISC */
#include "site/policy.h"

void
policy_init(struct policy *p)
{
	*p = (struct policy){
	    .message_bytes_max = spool_settings_default.message_bytes_max,
	    .recipients_max = spool_settings_default.recipients_max,
	    .quota_bytes = spool_settings_default.quota_bytes,
	    .retry = retry_policy_default,
	};
}
