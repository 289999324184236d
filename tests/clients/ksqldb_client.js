// npm ksqldb-client: HTTP/2; statements, look-ups, push queries, inserts.
const assert = require("assert");
const KsqldbClient = require("ksqldb-client");

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function main() {
	const client = new KsqldbClient({ host: "http://127.0.0.1", port: Number(process.argv[2]) });
	await client.connect();
	let answer = await client.executeStatement("CREATE STREAM js_s (id INT KEY, v STRING) WITH (KAFKA_TOPIC='js_s', VALUE_FORMAT='JSON', PARTITIONS=1);");
	assert(!answer.error, JSON.stringify(answer));
	answer = await client.executeStatement("CREATE TABLE js_t AS SELECT id, COUNT(*) AS n FROM js_s GROUP BY id;");
	assert(!answer.error, JSON.stringify(answer));

	const pushed = [];
	let queryId;
	const push = client.streamQuery("SELECT * FROM js_s EMIT CHANGES;", (data) => {
		queryId = data.metadata ? data.metadata.queryId : queryId;
		pushed.push(...(data.rows || []));
	});
	await wait(500);
	answer = await client.insertInto("JS_S", { ID: 1, V: "a" });
	assert(!answer.error && answer.data.rows[0].status === "ok", JSON.stringify(answer));
	await client.insertInto("JS_S", { ID: 1, V: "b" });
	for (let i = 0; i < 50 && pushed.length < 2; i++) await wait(100);
	assert.strictEqual(pushed.length, 2, JSON.stringify(pushed));
	answer = await client.terminatePushQuery(queryId);
	assert(!answer.error, JSON.stringify(answer));
	await push;

	let rows = [];
	for (let i = 0; i < 50 && !(rows.length && String(rows[0].n !== undefined ? rows[0].n : rows[0].N || rows[0][1]) === "2"); i++) {
		await wait(100);
		const result = await client.query("SELECT * FROM js_t WHERE id = 1;");
		assert(!result.error, JSON.stringify(result));
		rows = result.data.rows;
	}
	assert.strictEqual(rows.length, 1, JSON.stringify(rows));
	answer = await client.query("SELECT * FROM nothing;");
	assert(answer.error, "an error was expected");
	const streams = await client.listStreams();
	assert(JSON.stringify(streams).includes("JS_S"), JSON.stringify(streams));
	const described = await client.describeSource("js_s");
	assert(JSON.stringify(described).includes("JS_S"), JSON.stringify(described));
	await client.disconnect();
}

main().then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
