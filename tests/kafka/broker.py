"""A broker to test against: Apache Kafka in one process of its own, KRaft, on the loopback interface only.

`Broker.find(build)` gives one, or says why there is none:
  SLUICE_TEST_BOOTSTRAP   host:port of a broker that runs already; it can't be stopped and started
  KAFKA_HOME              an unpacked release of Kafka
  otherwise               Maven brings the libraries that pom.xml names into build/kafka/lib
"""

import glob
import os
import random
import shutil
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# Groups of tests come and go quickly, and one broker has to do for the internal topics.
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}{tls_listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl}{tls_listeners}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="admin-word" user_limited="limited-word";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin;User:CN=sluice-test
log.dirs={folder}/data
num.network.threads=2
num.io.threads=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=4194304
{more}
"""

# With certificates of a CA of its own; users of SCRAM are made when the folder is formatted.
TLS_PROPERTIES = """ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="admin-word";
"""

LOGGING = """log4j.rootLogger=WARN, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.File={folder}/broker.log
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d %p %c %m%n
"""


class NoBroker(Exception):
    """Why there is no broker here."""


def free_port():
    """Below those that the system gives to clients: one of these could have it while a broker is stopped, or be connected with itself by it."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def libraries(build):
    """The class path of Kafka."""
    home = os.environ.get("KAFKA_HOME")
    if home:
        if not glob.glob(os.path.join(home, "libs", "kafka_*.jar")):
            raise NoBroker(f"KAFKA_HOME={home} has no libs/kafka_*.jar")
        return os.path.join(home, "libs", "*")
    folder = os.path.abspath(os.path.join(build, "kafka", "lib"))
    if not glob.glob(os.path.join(folder, "kafka_*.jar")):
        if shutil.which("mvn") is None:
            raise NoBroker("Maven is not installed (apt-get install maven openjdk-17-jre-headless), and KAFKA_HOME is not set")
        done = subprocess.run(["mvn", "-q", "-B", "-f", os.path.join(HERE, "pom.xml"), "dependency:copy-dependencies",
                               "-DoutputDirectory=" + folder], capture_output=True, text=True)
        if done.returncode != 0 or not glob.glob(os.path.join(folder, "kafka_*.jar")):
            raise NoBroker("Maven could not bring Kafka: " + (done.stdout + done.stderr).strip().split("\n")[0][:200])
    return os.path.join(folder, "*")


def make_certificates(folder):
    """A CA, the broker's chain with its key (broker.pem), and a client's (client.pem, client.key); False: there is no openssl program."""
    if shutil.which("openssl") is None:
        return False

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem")
    for name, subject, more in (("server", "/CN=localhost", "subjectAltName=IP:127.0.0.1"), ("client", "/CN=sluice-test", "extendedKeyUsage=clientAuth")):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", name + ".key", "-out", name + ".csr")
        with open(os.path.join(folder, name + ".ext"), "w", encoding="utf-8") as f:
            f.write(more + "\n")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", name + ".ext",
                "-out", name + ".pem")
    with open(os.path.join(folder, "broker.pem"), "w", encoding="utf-8") as out:
        for part in ("server.key", "server.pem", "ca.pem"):
            with open(os.path.join(folder, part), encoding="utf-8") as f:
                out.write(f.read())
    return True


class Broker:
    def __init__(self, bootstrap, class_path=None, folder=None):
        self.bootstrap = bootstrap
        self.class_path = class_path
        self.folder = folder
        self.process = None
        self.is_shared = False  # several cases use it now: none may stop it
        self.sasl_ssl = None    # the same over TLS, with SCRAM-SHA-512 (admin) or PLAIN; the CA is ca.pem in its folder
        self.ssl = None         # TLS with a certificate of the client: client.pem and client.key
        self.cluster = None     # id of the cluster
        self.sasl = None        # where users admin (may everything) and limited (nothing) log in; passwords admin-word, limited-word

    @staticmethod
    def find(build, name="broker", more=""):
        """A running broker; its data is new."""
        given = os.environ.get("SLUICE_TEST_BOOTSTRAP")
        if given:
            return Broker(given)
        if shutil.which("java") is None:
            raise NoBroker("Java is not installed (apt-get install openjdk-17-jre-headless)")
        class_path = libraries(build)
        folder = os.path.join(os.path.abspath(build), "kafka", f"{name}-{os.getpid()}")     # several may run at a time
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        broker = Broker(f"127.0.0.1:{free_port()}", class_path, folder)
        broker.sasl = f"127.0.0.1:{free_port()}"
        listeners, scram = "", []
        if make_certificates(folder):
            broker.sasl_ssl, broker.ssl = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
            listeners = f",SASL_SSL://{broker.sasl_ssl},SSL://{broker.ssl}"
            more += "\n" + TLS_PROPERTIES.format(folder=folder)
            scram = ["--add-scram", "SCRAM-SHA-512=[name=admin,password=admin-word]"]
        with open(os.path.join(folder, "server.properties"), "w", encoding="utf-8") as f:
            f.write(PROPERTIES.format(port=broker.bootstrap.split(":")[1], sasl=broker.sasl.split(":")[1], controller=free_port(), folder=folder, more=more,
                                      tls_listeners=listeners))
        with open(os.path.join(folder, "log4j.properties"), "w", encoding="utf-8") as f:
            f.write(LOGGING.format(folder=folder))
        broker.cluster = "MkU3OEVBNTcwNTJENDM2Qg"
        broker.java("kafka.tools.StorageTool", "format", "-t", broker.cluster, "-c", os.path.join(folder, "server.properties"), *scram)
        broker.start()
        return broker

    def close(self):
        """Ends it for good, and removes its data."""
        self.stop(kill=True)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, main, *arguments, heap="128m"):
        return ["java", "-Xmx" + heap, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                f"-Dlog4j.configuration=file:{self.folder}/log4j.properties", "-cp", self.class_path, main, *arguments]

    def java(self, main, *arguments, check=True):
        """Runs one of Kafka's own tools; what it printed."""
        done = subprocess.run(self.command(main, *arguments), capture_output=True, text=True)
        if check and done.returncode != 0:
            raise NoBroker(f"{main} failed: {(done.stdout + done.stderr).strip()[-300:]}")
        return done.stdout

    def can_restart(self):
        return self.folder is not None and not self.is_shared

    def start(self, wait=300):
        self.process = subprocess.Popen(self.command("kafka.Kafka", os.path.join(self.folder, "server.properties"), heap="512m"),
                                        stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "stderr"), "ab"),
                                        stdin=subprocess.DEVNULL)
        host, port = self.bootstrap.split(":")
        until = time.time() + wait
        while time.time() < until:
            if self.process.poll() is not None:
                raise NoBroker(f"the broker ended with status {self.process.returncode}: see {self.folder}/broker.log")
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                time.sleep(0.2)
        self.stop()
        raise NoBroker(f"the broker did not answer within {wait} s")

    def stop(self, kill=False):
        if self.process is None:
            return
        self.process.kill() if kill else self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
