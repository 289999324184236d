// npm ws: /ws/query as Confluent Control Center uses it.
const assert = require("assert");
const WebSocket = require("ws");

const port = process.argv[2];

function query(sql) {
	const request = encodeURIComponent(JSON.stringify({ ksql: sql, streamsProperties: { "auto.offset.reset": "earliest" } }));
	return new Promise((done, fail) => {
		const frames = [];
		const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/query?request=${request}`);
		socket.on("message", (data) => frames.push(JSON.parse(data.toString())));
		socket.on("close", (code) => done({ code, frames }));
		socket.on("error", fail);
	});
}

async function main() {
	const response = await fetch(`http://127.0.0.1:${port}/ksql`, {
		method: "POST",
		body: JSON.stringify({ ksql: "CREATE STREAM ws_s (id INT KEY, v STRING) WITH (KAFKA_TOPIC='ws_s', VALUE_FORMAT='JSON', PARTITIONS=1);"
			+ "INSERT INTO ws_s VALUES (1, 'a'); INSERT INTO ws_s VALUES (2, 'b');" }),
	});
	assert.strictEqual(response.status, 200, await response.text());
	let { code, frames } = await query("SELECT * FROM ws_s EMIT CHANGES LIMIT 2;");
	assert.strictEqual(code, 1000);
	assert.deepStrictEqual(frames[0].map((f) => f.name), ["ID", "V"]);
	assert.deepStrictEqual(frames.filter((f) => f.row).map((f) => f.row.columns), [[1, "a"], [2, "b"]]);
	({ code, frames } = await query("SELECT * FROM nothing;"));
	assert.strictEqual(code, 1003);
	assert(frames[0].error);
}

main().then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
