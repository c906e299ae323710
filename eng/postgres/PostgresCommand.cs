using System.Runtime.InteropServices;
using Npgsql;

namespace Lepton.Postgres;

/// <summary>The program: a check, or a supervisor that runs until a signal.</summary>
internal static class PostgresCommand
{
    public static int Run(string[] args)
    {
        try
        {
            var options = PostgresOptions.Parse(args);
            return options.IsCheck ? Check(new ServerFolder(options.Data)) : Supervise(options);
        }
        catch (PostgresException exception)
        {
            Console.Error.WriteLine($"postgres: {exception.Message}");
            return 1;
        }
    }

    private static int Supervise(PostgresOptions options)
    {
        using var stop = new ManualResetEventSlim();
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Set();
        }
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);
        using var folder = ServerFolder.Lock(options.Data);
        // On this thread to its end: the server dies with the thread that started it (see Unprivileged).
        new Supervisor(options, folder, stop).Run();
        return 0;
    }

    private static int Check(ServerFolder folder)
    {
        if (!File.Exists(folder.ReadyFile))
            throw new PostgresException("not ready");
        var (name, connection) = folder.ReadConnections().First();
        try
        {
            Databases.Ping(connection);
        }
        catch (NpgsqlException exception)
        {
            throw new PostgresException($"database {name} does not answer: {exception.Message}", exception);
        }
        Console.WriteLine("ready");
        return 0;
    }
}
