/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of OTEL_RESOURCE_ATTRIBUTES (OpenTelemetry specification, resource/sdk.md). */
#include "target/env_attrs.h"

/* Percent-decodes and ends with a NUL byte. A NUL byte inside is not a text. */
static int decode(struct bytes b, struct buf *out)
{
	u8 c;

	while (!bytes_u8(&b, &c)) {
		struct bytes digits;
		u64 value;

		if (c == '%') {
			if (bytes_take(&b, 2, &digits) || bytes_hex(digits, &value) || !value)
				return -EINVAL;
			c = (u8)value;
		}
		buf_u8(out, c);
	}
	buf_u8(out, 0);
	return out->failed ? -ENOMEM : 0;
}

/* One "key=value"; a '=' of its own must be encoded. */
static int pair(struct bytes item, struct buf *out)
{
	struct bytes key;
	int err;

	item = bytes_trim(item);
	if (bytes_until(&item, '=', &key))
		return -EINVAL;
	key = bytes_trim(key);
	item = bytes_trim(item);
	if (bytes_empty(key) || (!bytes_empty(item) && memchr(item.p, '=', bytes_len(item))))
		return -EINVAL;
	err = decode(key, out);
	return err ? err : decode(item, out);
}

int env_attrs_parse(struct bytes text, void (*each)(void *ctx, const char *key, const char *value),
		    void *ctx)
{
	struct buf pairs = {0};
	struct bytes rest, item;
	int err = bytes_len(text) > ENV_ATTRS_MAX ? -EINVAL : 0;

	while (!err && !bytes_empty(text)) {
		bool last = bytes_until(&text, ',', &item);

		if (last) {
			item = text;
			text.p = text.end;
		}
		/* A comma at the end is no error in any SDK, and scripts write it. */
		if (!bytes_empty(bytes_trim(item)) || !bytes_empty(text))
			err = pair(item, &pairs);
	}
	for (rest = buf_bytes(&pairs); !err && !bytes_empty(rest);) {
		struct bytes key, value;

		if (bytes_until(&rest, 0, &key) || bytes_until(&rest, 0, &value))
			break; /* can't happen: decode ends each */
		each(ctx, (const char *)key.p, (const char *)value.p);
	}
	buf_done(&pairs);
	return err;
}
