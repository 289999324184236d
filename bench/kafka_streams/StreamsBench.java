import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;

/**
 * What bench/kafka_streams.py has sluice do as SQL, by hand on Kafka Streams: a filter with a projection, a count by key, a count in
 * tumbling windows of ten seconds. Values are read and written token by token, with Jackson; only what is needed of them.
 *
 * Ends by itself when as many records as it was told of have gone through and are committed.
 */
public class StreamsBench {
	static final JsonFactory JSON = new JsonFactory();
	static final Serde<String> STRING = Serdes.String();
	static final Serde<byte[]> BYTES = Serdes.ByteArray();

	/** The record without the columns that are not asked for; null: it is filtered out. */
	static byte[] project(byte[] value) {
		long id = 0, quantity = 0;
		double amount = 0;
		String country = null;
		try (JsonParser in = JSON.createParser(value)) {
			in.nextToken();
			while (in.nextToken() == JsonToken.FIELD_NAME) {
				String name = in.getCurrentName();
				in.nextToken();
				switch (name) {
				case "id" -> id = in.getLongValue();
				case "country" -> country = in.getText();
				case "amount" -> amount = in.getDoubleValue();
				case "quantity" -> quantity = in.getLongValue();
				default -> in.skipChildren();
				}
			}
			if (quantity <= 0)
				return null;
			ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
			try (JsonGenerator out = JSON.createGenerator(bytes)) {
				out.writeStartObject();
				out.writeNumberField("id", id);
				out.writeStringField("country", country);
				out.writeNumberField("amount", amount);
				out.writeNumberField("quantity", quantity);
				out.writeEndObject();
			}
			return bytes.toByteArray();
		} catch (IOException e) {
			throw new IllegalStateException(e);
		}
	}

	static byte[] count(Long n) {
		return ("{\"n\":" + n + "}").getBytes(java.nio.charset.StandardCharsets.US_ASCII);
	}

	public static void main(String[] arguments) throws InterruptedException {
		String bootstrap = arguments[0], query = arguments[1], from = arguments[2], to = arguments[3], guarantee = arguments[5], folder = arguments[6];
		long wanted = Long.parseLong(arguments[4]);
		AtomicLong seen = new AtomicLong();
		CountDownLatch done = new CountDownLatch(1);
		StreamsBuilder builder = new StreamsBuilder();
		KStream<String, byte[]> input = builder.stream(from, Consumed.with(STRING, BYTES)).peek((key, value) -> {
			if (seen.incrementAndGet() == wanted)
				done.countDown();
		});

		switch (query) {
		case "filter" -> input.mapValues(StreamsBench::project).filter((key, value) -> value != null).to(to, Produced.with(STRING, BYTES));
		case "count" -> input.groupByKey(Grouped.with(STRING, BYTES)).count().toStream().mapValues(StreamsBench::count)
				.to(to, Produced.with(STRING, BYTES));
		case "tumbling" -> input.groupByKey(Grouped.with(STRING, BYTES))
				.windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofSeconds(10), Duration.ofHours(24))).count().toStream()
				.mapValues(StreamsBench::count).to(to, Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, 10000), BYTES));
		default -> throw new IllegalArgumentException(query);
		}

		Properties p = new Properties();
		p.put(StreamsConfig.APPLICATION_ID_CONFIG, "streams-bench-" + query + "-" + System.nanoTime());
		p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
		p.put(StreamsConfig.STATE_DIR_CONFIG, folder);
		p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
		p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
		p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 << 20);
		p.put("auto.offset.reset", "earliest");
		p.put("producer.compression.type", "lz4");
		p.put("producer.linger.ms", 5);
		KafkaStreams streams = new KafkaStreams(builder.build(), p);
		streams.start();
		done.await();
		streams.close();	/* commits */
	}
}
