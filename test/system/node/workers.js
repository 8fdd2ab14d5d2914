// SPDX-License-Identifier: Apache-2.0
// Worker threads that share memory and wait for each other, 50,000 timers, files through the thread
// pool, and compression and digests in it.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { promisify } = require('util');

const WORKERS = 6;
const ROUNDS = 2000;

// Every worker adds in shared memory under a lock made of Atomics.wait and notify.
function work({ shared, number }) {
  const cells = new Int32Array(shared);
  for (let i = 0; i < ROUNDS; i++) {
    while (Atomics.compareExchange(cells, 0, 0, 1) !== 0) Atomics.wait(cells, 0, 1, 1000);
    cells[1]++;
    cells[2 + number]++;
    Atomics.store(cells, 0, 0);
    Atomics.notify(cells, 0, 1);
  }
  let garbage = [];
  for (let i = 0; i < 100000; i++) {
    garbage.push({ i, text: 'x'.repeat(i % 50) });
    if (garbage.length > 1000) garbage = [];
  }
  parentPort.on('message', (message) => {
    if (message.stop) return parentPort.close();
    return parentPort.postMessage({ number, answer: message.question * 2 });
  });
  parentPort.postMessage({ number, ready: true });
}

async function workers() {
  const shared = new SharedArrayBuffer(4 * (2 + WORKERS));
  const list = [];
  let answers = 0;
  for (let number = 0; number < WORKERS; number++) {
    const worker = new Worker(__filename, { workerData: { shared, number } });
    list.push(new Promise((resolve, reject) => {
      let asked = 0;
      worker.on('message', (message) => {
        if (!message.ready) answers += message.answer;
        if (asked === 100) worker.postMessage({ stop: true });
        else worker.postMessage({ question: asked++ });
      });
      worker.on('error', reject);
      worker.on('exit', resolve);
    }));
  }
  const codes = await Promise.all(list);
  const cells = new Int32Array(shared);
  console.log('workers', codes, cells[1], Array.from(cells.slice(2)), answers);
}

async function failing() {
  const worker = new Worker("throw new Error('on purpose')", { eval: true });
  const error = await new Promise((resolve) => worker.on('error', resolve));
  const busy = new Worker('for (;;);', { eval: true });
  await new Promise((resolve) => busy.on('online', resolve));
  console.log('failing', error.message, 'terminated', await busy.terminate());
}

async function timers() {
  let fired = 0;
  const order = [];
  await new Promise((resolve) => {
    for (let i = 0; i < 50000; i++) {
      setTimeout(() => { if (++fired === 50000) resolve(); }, i % 200);
    }
    setTimeout(() => order.push('later'), 30);
    setImmediate(() => order.push('immediate'));
    process.nextTick(() => order.push('tick'));
    Promise.resolve().then(() => order.push('promise'));
  });
  let beats = 0;
  await new Promise((resolve) => {
    const beat = setInterval(() => { if (++beats === 20) { clearInterval(beat); resolve(); } }, 2);
  });
  console.log('timers', fired, beats, order);
}

async function pool() {
  const folder = fs.mkdtempSync(path.join(process.cwd(), 'pool-'));
  const names = Array.from({ length: 100 }, (_, i) => path.join(folder, `file${i}`));
  await Promise.all(names.map((name, i) => fs.promises.writeFile(name, 'line\n'.repeat(i * 10))));
  const sizes = await Promise.all(names.map(async (name) => (await fs.promises.stat(name)).size));
  const total = sizes.reduce((a, b) => a + b);
  await fs.promises.rm(folder, { recursive: true });
  const text = Buffer.from('some text to compress '.repeat(20000));
  const packed = await Promise.all([1, 6, 9].map((level) => promisify(zlib.gzip)(text, { level })));
  const unpacked = await promisify(zlib.gunzip)(packed[1]);
  const keys = await Promise.all([1, 2, 3, 4, 5, 6].map(
    (n) => promisify(crypto.pbkdf2)(`secret${n}`, 'salt', 5000, 16, 'sha256')));
  assert(unpacked.equals(text));
  console.log('pool', total, keys.map((key) => key.toString('hex').slice(0, 8)));
  const readers = await Promise.all(Array.from({ length: 4 }, () => new Promise((resolve, reject) => {
    const hash = crypto.createHash('sha256');
    fs.createReadStream(__filename, { highWaterMark: 100 })
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  })));
  console.log('readers agree', new Set(readers).size === 1);
}

async function signals() {
  let seen = 0;
  await new Promise((resolve) => {
    const alive = setInterval(() => {}, 1000); // a handler alone keeps no process
    const next = () => {
      if (++seen < 50) process.kill(process.pid, 'SIGUSR2');
      else resolve(clearInterval(alive));
    };
    process.on('SIGUSR2', next);
    process.kill(process.pid, 'SIGUSR2');
  });
  console.log('signals', seen);
}

async function main() {
  await workers();
  await failing();
  await timers();
  await pool();
  await signals();
  process.exitCode = 7;
}

if (isMainThread) main();
else work(workerData);
