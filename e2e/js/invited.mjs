// An employee who was invited by letter works through bp-api as published.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import bpApi from 'bp-api';

const { KT_ADDR, KT_CATALOG, KT_INVITED, KT_INVITED_PASSWORD } = process.env;
const bob = new bpApi.default(KT_ADDR, KT_INVITED, KT_INVITED_PASSWORD, 'http');

test('records', async () => {
  const [field] = (await bob.getCatalog(KT_CATALOG)).fields;
  const made = await bob.postRecord(KT_CATALOG, { [field.id]: 'By Bob' });
  const read = await bob.getRecordById(KT_CATALOG, made.id);
  assert.equal(read.values[field.id], 'By Bob');
  assert.equal((await bob.getRecords(KT_CATALOG, {})).some((r) => r.id === made.id), true);
});
