// npm @cubejs-backend/ksql-driver: what Cube asks of a ksqlDB server: tables, their columns, a table of its own.
const assert = require("assert");
const { KsqlDriver } = require("@cubejs-backend/ksql-driver");

async function main() {
	const driver = new KsqlDriver({ url: `http://127.0.0.1:${process.argv[2]}`, username: "", password: "" });
	await driver.testConnection();
	await driver.query("CREATE STREAM cube_s (id INT KEY, v STRING, d DECIMAL(6,2)) WITH (KAFKA_TOPIC='cube_s', VALUE_FORMAT='JSON', PARTITIONS=1)");
	await driver.query("CREATE TABLE cube_t AS SELECT id, COUNT(*) AS n FROM cube_s GROUP BY id");
	const schema = await driver.tablesSchema();
	const tables = Object.assign({}, ...Object.values(schema));
	assert(tables.CUBE_S && tables.CUBE_T, JSON.stringify(schema));
	assert.deepStrictEqual(tables.CUBE_S.map((c) => c.type), ["INTEGER", "STRING", "DECIMAL"]);
	const types = await driver.tableColumnTypes("CUBE_T");
	assert.deepStrictEqual(types.map((t) => t.name), ["ID", "N"], JSON.stringify(types));
	await assert.rejects(driver.query("DROP STREAM nothing"));
}

main().then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
