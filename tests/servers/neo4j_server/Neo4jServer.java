import java.nio.file.Path;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;

/** Neo4j Community with Bolt and nothing else: the folder given holds its data and its neo4j.conf. Ends on SIGTERM. */
public class Neo4jServer {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]).toAbsolutePath();
        DatabaseManagementService neo4j = new DatabaseManagementServiceBuilder(folder)
                .loadPropertiesFromFile(folder.resolve("neo4j.conf"))
                .build();
        Runtime.getRuntime().addShutdownHook(new Thread(neo4j::shutdown));
        System.out.println("Started.");
        Thread.currentThread().join();
    }
}
