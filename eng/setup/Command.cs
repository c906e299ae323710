using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Lepton.Setup;

/// <summary>What a program answered: its exit code and everything it printed.</summary>
internal sealed record CommandResult(int ExitCode, string Output)
{
    private const int LinesMax = 30;

    /// <summary>The end of the output, which is where programs say why they failed.</summary>
    public string Tail() => string.Join('\n', Output.TrimEnd().Split('\n').TakeLast(LinesMax));
}

/// <summary>Runs another program to its end, or ends it and its children when cancelled.</summary>
internal static class Command
{
    public static async Task<CommandResult> RunAsync(
        string program, IEnumerable<string> arguments, string directory,
        IReadOnlyDictionary<string, string?> environment, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }
        var output = new StringBuilder();
        void Collect(object sender, DataReceivedEventArgs line)
        {
            lock (output)
                output.AppendLine(line.Data);
        }
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += Collect;
        process.ErrorDataReceived += Collect;
        try
        {
            process.Start();
        }
        catch (Win32Exception exception)
        {
            throw new SetupException($"{program} cannot be started ({exception.Message}).", exception);
        }
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return new CommandResult(process.ExitCode, output.ToString());
    }
}
