-- What 2,000 connected calendars put into each table, 500 events each, as the service would; then what a poll writes.
-- A section for each table, named by its first line; in the last one $account and $calendar stand for a calendar's ids.

-- [connections]
INSERT INTO connections (account_id, id, user_id, provider, subject, email, status, scopes, purposes)
SELECT md5('account' || n % 40)::uuid, md5('connection' || n)::uuid, md5('user' || n)::uuid, 'google',
       '10000000000000' || n, 'somebody.' || n || '@customer.example', 'active',
       '{openid,email,calendar.events,calendar.calendarlist.readonly,calendar.freebusy}', '{calendar}'
FROM generate_series(1, 2000) AS n;

-- [connection_tokens]
INSERT INTO connection_tokens
       (account_id, connection_id, refresh_token, access_token, expires_at, version)
SELECT md5('account' || n % 40)::uuid, md5('connection' || n)::uuid, convert_to(repeat(md5(n::text), 5), 'UTF8'),
       convert_to(repeat(md5(n::text), 9), 'UTF8'), now(), 1
FROM generate_series(1, 2000) AS n;

-- [calendars]
INSERT INTO calendars (account_id, id, connection_id, provider_calendar_id, name, time_zone, role, is_primary,
                       checked)
SELECT md5('account' || n % 40)::uuid AS account_id, md5('calendar' || n)::uuid, md5('connection' || n)::uuid, 'somebody.' || n || '@customer.example', 'Somebody ' || n,
       'Europe/Berlin', 'owner', true, true
FROM generate_series(1, 2000) AS n;

-- [calendar_syncs]
INSERT INTO calendar_syncs (account_id, calendar_id, state, cursor, last_started_at, last_succeeded_at,
                            expanded_until, changed_at, watched_until)
SELECT md5('account' || n % 40)::uuid AS account_id, md5('calendar' || n)::uuid, 'idle', convert_to(repeat(md5(n::text), 3), 'UTF8'), now(), now(), now(), now(), now()
FROM generate_series(1, 2000) AS n;

-- [due_calendars]
INSERT INTO due_calendars (account_id, calendar_id, due_at)
SELECT md5('account' || n % 40)::uuid AS account_id, md5('calendar' || n)::uuid, now() + random() * interval '4 minutes' FROM generate_series(1, 2000) AS n;

-- [due_watches]
INSERT INTO due_watches (account_id, calendar_id, due_at)
SELECT md5('account' || n % 40)::uuid AS account_id, md5('calendar' || n)::uuid, now() + random() * interval '7 days' FROM generate_series(1, 2000) AS n;

-- [push_channels]
INSERT INTO push_channels (account_id, id, calendar_id, channel_id, resource_id, whole_mailbox, secret_hash,
                           expires_at)
SELECT md5('account' || n % 40)::uuid, md5('channel' || n)::uuid, md5('calendar' || n)::uuid,
       md5('channel' || n), substr(md5(n::text), 1, 27), false, sha256(n::text::bytea), now()
FROM generate_series(1, 2000) AS n;

-- [directory]
INSERT INTO directory (kind, key, account_id, target_id)
SELECT 'channel', md5('channel' || n), md5('account' || n % 40)::uuid, md5('channel' || n)::uuid FROM generate_series(1, 2000) AS n;

-- [mirror_events]
INSERT INTO mirror_events (account_id, calendar_id, event_id, series_id, starts_at, ends_at, busy, etag,
                           generation)
SELECT md5('account' || n % 40)::uuid AS account_id, md5('calendar' || n)::uuid, substr(md5(n::text || event), 1, 26) || CASE WHEN event % 2 = 0 THEN '_20261121T090000Z'
       ELSE '' END, CASE WHEN event % 2 = 0 THEN substr(md5(n::text || event % 20), 1, 26) END,
       now() + event * interval '20 hours', now() + event * interval '20 hours' + interval '1 hour', 2,
       '"33' || (10000000000000 + event) || '"', 1
FROM generate_series(1, 2000) AS n, generate_series(1, 500) AS event;

-- [busy_months]
INSERT INTO busy_months (account_id, calendar_id, month, busy, tentative)
SELECT md5('account' || n % 40)::uuid AS account_id, md5('calendar' || n)::uuid, date '2026-10-01' + month * interval '1 month',
       decode(repeat(md5(n::text), 15), 'hex'), '\x01'
FROM generate_series(1, 2000) AS n, generate_series(1, 15) AS month;

-- [queue.pgqueuer_log]
INSERT INTO queue.pgqueuer_log (job_id, status, priority, entrypoint)
SELECT n, status, 0, 'sync_calendar'
FROM generate_series(1, 2000) AS n,
     unnest('{queued,picked,successful}'::queue.pgqueuer_status[]) AS status;

-- [a poll]
UPDATE due_calendars SET due_at = now() + interval '3 minutes' WHERE calendar_id = '$calendar';
INSERT INTO queue.pgqueuer (priority, entrypoint, status, payload, dedupe_key) VALUES (0, 'sync_calendar', 'queued', convert_to(repeat('$calendar', 2), 'UTF8'), 'sync_calendar:' || '$calendar');
INSERT INTO queue.pgqueuer_log (job_id, status, priority, entrypoint) VALUES (1, 'queued', 0, 'sync_calendar');
UPDATE queue.pgqueuer SET status = 'picked', updated = now() WHERE dedupe_key = 'sync_calendar:' || '$calendar';
INSERT INTO queue.pgqueuer_log (job_id, status, priority, entrypoint) VALUES (1, 'picked', 0, 'sync_calendar');
UPDATE calendar_syncs SET state = 'running', last_started_at = now(), lease_until = now(), fence = fence + 1 WHERE account_id = '$account' AND calendar_id = '$calendar';
UPDATE due_calendars SET due_at = now() + interval '2 minutes' WHERE calendar_id = '$calendar';
UPDATE calendar_syncs SET state = 'idle', cursor = cursor || '\x01', lease_until = NULL, last_succeeded_at = now() WHERE account_id = '$account' AND calendar_id = '$calendar';
UPDATE due_calendars SET due_at = now() + interval '4 minutes' WHERE calendar_id = '$calendar';
DELETE FROM queue.pgqueuer WHERE dedupe_key = 'sync_calendar:' || '$calendar';
INSERT INTO queue.pgqueuer_log (job_id, status, priority, entrypoint) VALUES (1, 'successful', 0, 'sync_calendar');
