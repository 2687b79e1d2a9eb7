// getAllRecords over 1,200 records while others change fields: every record
// comes exactly once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogs, client, ids } from './setup.mjs';

const total = 1200;

test('getAllRecords while others change fields', async () => {
  const bp = client();
  const { orders } = await catalogs(bp);
  const f = ids(await bp.getCatalog(orders));
  const made = await fill(bp, orders, f);

  let reading = true;
  let changes = 0;
  const change = async () => {
    const other = client();
    for (let i = 0; reading; i = (i * 7 + 13) % total) {
      await other.patchRecord(orders, made[i], { [f.Amount]: changes, [f.Note]: `changed ${changes}` });
      changes++;
    }
  };
  const changers = [change(), change(), change(), change()];
  try {
    for (const params of [{}, { sortField: f.Title, sortType: 1 }, { filters: { [f.Title]: 'order' }, fields: [f.Title] }, { limit: 100 }]) {
      const got = (await bp.getAllRecords(orders, params)).map((r) => r.id);
      assert.equal(got.length, total, JSON.stringify(params));
      assert.deepEqual(new Set(got), new Set(made), JSON.stringify(params));
    }
    const pages = [];
    for (const offset of [0, 500, 1000]) pages.push((await bp.getRecords(orders, { limit: 500, offset })).length);
    assert.deepEqual(pages, [500, 500, 200]);
    assert.equal((await bp.getAllRecords(orders, {}, 700)).length, 700);
  } finally {
    reading = false;
    await Promise.all(changers);
  }
  assert.ok(changes > 10, `only ${changes} changes happened meanwhile`);
});

/** Creates the records, 16 at a time; gives their ids. */
async function fill(bp, orders, f) {
  const made = [];
  let next = 0;
  const worker = async () => {
    while (next < total) {
      const n = next++;
      made[n] = (await bp.postRecord(orders, { [f.Title]: `Order ${n}`, [f.Amount]: n })).id;
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return made;
}
