using Npgsql;

namespace Lepton.Postgres;

/// <summary>A role and a database of its own for each service, which no other service's role may enter.</summary>
internal static class Databases
{
    public static string ConnectionString(string socketDirectory, string name, string password) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = socketDirectory,
            Username = name,
            Password = password,
            Database = name,
        }.ConnectionString;

    public static void Ensure(
        string socketDirectory, PostgresOptions options, IReadOnlyDictionary<string, string> secrets)
    {
        using var connection = Open(ConnectionString(
            socketDirectory, ServerFolder.Superuser, secrets[ServerFolder.Superuser]));
        foreach (var name in options.Databases)
        {
            // Names hold a-z, 0-9 and _ only, passwords hexadecimal digits only: neither can end a quotation.
            if (!Exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = $1", name))
                Execute(connection, $"""CREATE ROLE "{name}" LOGIN""");
            var right = options.Replicating.Contains(name) ? "REPLICATION" : "NOREPLICATION";
            Execute(connection, $"""ALTER ROLE "{name}" {right} PASSWORD '{secrets[name]}'""");
            if (!Exists(connection, "SELECT 1 FROM pg_database WHERE datname = $1", name))
                Execute(connection, $"""CREATE DATABASE "{name}" OWNER "{name}" """);
            Execute(connection, $"""REVOKE ALL ON DATABASE "{name}" FROM PUBLIC""");
        }
    }

    public static void Ping(string connectionString)
    {
        using var connection = Open(connectionString);
        Execute(connection, "SELECT 1");
    }

    private static NpgsqlConnection Open(string connectionString)
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, Timeout = 5 }.ConnectionString);
        connection.Open();
        return connection;
    }

    private static bool Exists(NpgsqlConnection connection, string query, string name)
    {
        using var command = new NpgsqlCommand(query, connection) { Parameters = { new() { Value = name } } };
        return command.ExecuteScalar() is not null;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
