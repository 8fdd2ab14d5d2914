// SPDX-License-Identifier: Apache-2.0
// An HTTP server and its clients in one process, over TCP on the loopback.
'use strict';
const http = require('http');
const net = require('net');

const REQUESTS = 300;

function get(port, path, agent, body) {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', path, agent, method: body ? 'POST' : 'GET' };
    const request = http.request(options, (response) => {
      let length = 0;
      let text = '';
      response.on('data', (chunk) => { length += chunk.length; text += chunk.toString().slice(0, 10); });
      response.on('end', () => resolve({ status: response.statusCode, length, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

function serve(request, response) {
  let received = 0;
  request.on('data', (chunk) => { received += chunk.length; });
  request.on('end', () => {
    if (request.url === '/absent') { response.statusCode = 404; response.end('absent'); return; }
    if (request.url === '/slow') { setTimeout(() => response.end('slow'), 50); return; }
    if (request.url === '/large') { response.end(Buffer.alloc(3 << 20, 'x')); return; }
    response.end(`${request.method} ${request.url} ${received}`);
  });
}

async function main() {
  const server = http.createServer(serve);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const many = await Promise.all(Array.from({ length: REQUESTS }, (_, i) => get(port, `/n/${i}`, agent)));
  console.log('many', many.filter((r, i) => r.status === 200 && r.length === `GET /n/${i} 0`.length).length);
  const fresh = await Promise.all(Array.from({ length: 50 }, () => get(port, '/slow', false)));
  console.log('fresh connections', fresh.filter((r) => r.text === 'slow').length);
  console.log('absent', await get(port, '/absent', agent));
  console.log('large', (await get(port, '/large', agent)).length);
  console.log('posted', (await get(port, '/post', agent, Buffer.alloc(2 << 20, 'y'))).length);
  const refused = await new Promise((resolve) => {
    net.connect(1, '127.0.0.1').on('error', (error) => resolve(error.code)).on('connect', resolve);
  });
  console.log('refused', refused);
  agent.destroy();
  await new Promise((resolve) => server.close(resolve));
  console.log('closed');
}

main();
