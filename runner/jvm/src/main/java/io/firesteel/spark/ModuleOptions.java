package io.firesteel.spark;

/**
 * Prints, one a line, the JVM options that this Spark's own launcher would add so that it runs on modular Java.
 *
 * <p>Asked once, when a runtime is installed: whoever starts the JVM without that launcher needs them.
 */
public final class ModuleOptions {
  /** Spark before 3.3 has none of its own and needs these on Java 17. */
  private static final String[] OPENED = {
    "java.base/java.lang", "java.base/java.lang.invoke", "java.base/java.lang.reflect", "java.base/java.io",
    "java.base/java.net", "java.base/java.nio", "java.base/java.util", "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic", "java.base/sun.nio.ch", "java.base/sun.nio.cs",
    "java.base/sun.security.action", "java.base/sun.util.calendar", "java.security.jgss/sun.security.krb5"
  };

  private ModuleOptions() {}

  public static void main(String[] args) throws ReflectiveOperationException {
    Class<?> options;
    try {
      options = Class.forName("org.apache.spark.launcher.JavaModuleOptions");
    } catch (ClassNotFoundException e) {
      System.out.println("-XX:+IgnoreUnrecognizedVMOptions");
      for (String opened : OPENED) {
        System.out.println("--add-opens=" + opened + "=ALL-UNNAMED");
      }
      return;
    }
    String all = (String) options.getMethod("defaultModuleOptions").invoke(null);
    for (String option : all.trim().split("\\s+")) {
      System.out.println(option);
    }
  }
}
