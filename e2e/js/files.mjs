// Files through the client as published: the four steps, downloads, and what is refused.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { before, test } from 'node:test';
import { base, catalogs, client, failure, ids } from './setup.mjs';

const bp = client();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
let orders, f;

before(async () => {
  ({ orders } = await catalogs(bp));
  f = ids(await bp.getCatalog(orders));
});

const bytesOf = async (url, init) => {
  const answer = await fetch(url, init);
  assert.equal(answer.status, 200, `${url}: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
};

/** Bytes that no two files share. */
const noise = (size) => {
  const b = Buffer.alloc(size);
  for (let i = 0; i < size; i += 4) b.writeUInt32LE((Math.random() * 2 ** 32) >>> 0, Math.min(i, size - 4));
  return b;
};

/** A white PNG. */
function picture(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(zlib.crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0], 8);
  const rows = Buffer.alloc((width + 1) * height, 255);
  for (let y = 0; y < height; y++) rows[y * (width + 1)] = 0;
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** Attaches a file to a new record and gives its value. */
async function attach(file) {
  const { id } = await bp.postRecord(orders, { [f.Title]: file.title ?? 'With a file', [f.Files]: [{ id: file.id }] });
  const [value] = (await bp.getRecordById(orders, id)).values[f.Files];
  return { record: id, value };
}

test('a Buffer', async () => {
  const content = noise(300_000);
  const keys = await bp.getUploadFileKeys('план v2 #1.bin', 'application/octet-stream', 'remoteStorage', content.length);
  assert.deepEqual([typeof keys.fileId, keys.acl, keys.redirect], ['number', 'private', '/api/v1/files/upload?type=s3']);
  assert.match(keys.fileKey, /^1\/[0-9a-f-]{36}\/план v2 #1\.bin$/);
  const file = await bp.uploadFile(keys, content);
  assert.deepEqual([file.id, file.title, file.size, file.typeStorage, file.metadata, file.src], [keys.fileId, 'план v2 #1.bin', content.length, 's3', null, file.url]);
  const { value } = await attach(file);
  assert.deepEqual([value.id, value.title, value.size, value.mimeType], [file.id, file.title, content.length, 'application/octet-stream']);
  assert.ok(content.equals(await bytesOf(value.url)));
  const part = await fetch(value.url, { headers: { Range: 'bytes=1000-1999' } });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 1000-1999/${content.length}`]);
  assert.ok(content.subarray(1000, 2000).equals(Buffer.from(await part.arrayBuffer())));
});

test('a stream, without a MIME type', async () => {
  const content = noise(5_000_000);
  const name = path.join(dir, 'отчёт.xlsx');
  fs.writeFileSync(name, content);
  const keys = await bp.getUploadFileKeys('отчёт.xlsx');
  const file = await bp.uploadFile(keys, fs.createReadStream(name));
  assert.deepEqual([file.size, file.mimeType], [content.length, 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet']);
  const { value } = await attach(file);
  assert.ok(content.equals(await bytesOf(value.url)));
});

test('a picture has previews', async () => {
  const content = picture(1600, 900);
  const file = await bp.uploadFile(await bp.getUploadFileKeys('plan.png', 'image/png'), content);
  assert.deepEqual(file.metadata.size, { width: 1600, height: 900 });
  const { value } = await attach(file);
  const size = (png) => [png.readUInt32BE(16), png.readUInt32BE(20)];
  assert.deepEqual(size(await bytesOf(value.metadata.preview)), [700, 393]);
  assert.deepEqual(size(await bytesOf(value.metadata.thumbnail)), [128, 128]);
  assert.ok(content.equals(await bytesOf(value.url)));
});

test('no name at all', async () => {
  const file = await bp.uploadFile(await bp.getUploadFileKeys(), Buffer.from('x'));
  assert.deepEqual([file.title, file.size, file.mimeType], ['file', 1, null]);
});

test('attached by id, by src and elsewhere; detached', async () => {
  const file = await bp.uploadFile(await bp.getUploadFileKeys('a.txt', 'text/plain'), Buffer.from('shared'));
  const one = await attach(file);
  const { id } = await bp.postRecord(orders, { [f.Title]: 'Second', [f.Files]: [{ id: file.id }, { src: file.src }, { src: 'https://files.example.com/b.txt' }] });
  const values = (await bp.getRecordById(orders, id)).values[f.Files];
  assert.deepEqual(values.map((v) => v.typeStorage), ['s3', 's3', 'url']);
  assert.ok(!values.some((v) => v.id === file.id), 'entries of their own');
  await bp.patchRecord(orders, one.record, { [f.Files]: [] });
  assert.deepEqual((await bp.getRecordById(orders, one.record)).values[f.Files], []);
  assert.equal((await fetch(one.value.url)).status, 404);
  assert.equal((await bytesOf(values[0].url)).toString(), 'shared');
  await bp.patchRecord(orders, id, { [f.Files]: values });
  assert.deepEqual((await bp.getRecordById(orders, id)).values[f.Files].map((v) => v.id), values.map((v) => v.id));
});

test('GET /files/{id} leads to the content', async () => {
  const file = await bp.uploadFile(await bp.getUploadFileKeys('b.html', 'text/html'), Buffer.from('<script>alert(1)</script>'));
  await attach(file);
  const Authorization = `Basic ${Buffer.from(`${process.env.KT_LOGIN}:${process.env.KT_PASSWORD}`).toString('base64')}`;
  const answer = await fetch(`${base}/api/v1/files/${file.id}?inline=1`, { headers: { Authorization }, redirect: 'manual' });
  assert.equal(answer.status, 302);
  const content = await fetch(answer.headers.get('location'));
  assert.deepEqual([content.headers.get('content-type'), content.headers.get('x-content-type-options'), content.headers.get('content-security-policy')],
    ['application/octet-stream', 'nosniff', "default-src 'none'; sandbox"]);
  assert.match(content.headers.get('content-disposition'), /^attachment; filename=b\.html$/);
  assert.equal((await fetch(`${base}/api/v1/files/${file.id}`)).status, 401);
});

test('100 uploads at once', async () => {
  const contents = Array.from({ length: 100 }, (_, i) => noise(200_000 + i));
  const files = await Promise.all(contents.map(async (c, i) => bp.uploadFile(await bp.getUploadFileKeys(`n${i}.bin`), c)));
  const { id } = await bp.postRecord(orders, { [f.Title]: 'Many', [f.Files]: files.map(({ id }) => ({ id })) });
  const values = (await bp.getRecordById(orders, id)).values[f.Files];
  assert.deepEqual(values.map((v) => v.id), files.map((v) => v.id));
  await Promise.all(values.map(async (v, i) => assert.ok(contents[i].equals(await bytesOf(v.url)), v.title)));
});

test('what is refused', async () => {
  const keys = await bp.getUploadFileKeys('c.txt');
  const early = await failure(bp.completeFileUpload(keys));
  assert.deepEqual([early.status, early.data.code], [400, 'file_not_uploaded']);
  const log = console.log;
  console.log = () => {}; // the client prints what it throws
  try {
    const forged = await failure(bp.uploadFile({ ...keys, signature: 'AAAA' }, Buffer.from('x')));
    assert.equal(forged.status, 403);
    assert.match(forged.data, /<Code>AccessDenied<\/Code>/);
    assert.equal((await failure(bp.uploadFile({ ...keys, fileKey: `2${keys.fileKey.slice(1)}` }, Buffer.from('x')))).status, 403);
    await bp.uploadFile(keys, Buffer.from('x'));
    assert.equal((await failure(bp.uploadFile(keys, Buffer.from('y')))).status, 403, 'a confirmed file stays as it is');
  } finally {
    console.log = log;
  }
  const bad = await failure(bp.postRecord(orders, { [f.Title]: 'x', [f.Files]: [{ id: 999999 }] }));
  assert.deepEqual([bad.status, bad.data.errors[0].fieldId, bad.data.errors[0].code], [400, f.Files, 'file_not_uploaded']);
});
