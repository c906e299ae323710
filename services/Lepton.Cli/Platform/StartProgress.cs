using Lepton.Cli.Output;

namespace Lepton.Cli.Platform;

/// <summary>
/// A line for each milestone; on a terminal also one line, rewritten in place, that names what is still waited for.
/// </summary>
internal sealed class StartProgress(Terminal terminal, StartTimes times) : IReadinessProgress, IDisposable
{
    private const int NamesMax = 3;
    private const string EraseLine = "\r\u001b[2K";

    private bool waitingShown;

    public void Reached(Milestone milestone)
    {
        times.Reached(milestone.Phase, milestone.Name);
        Erase();
        terminal.Line($"  {Amounts.Seconds(times.Elapsed),7}  {milestone.Name} is ready");
    }

    public void Waiting(IReadOnlyList<string> forWhat)
    {
        if (!terminal.IsLive || forWhat.Count == 0)
        {
            return;
        }

        string more = forWhat.Count > NamesMax ? $" and {forWhat.Count - NamesMax} more" : "";
        string names = string.Join("; ", forWhat.Take(NamesMax));
        string line = $"  {Amounts.Seconds(times.Elapsed),7}  waiting for {names}{more}";
        terminal.Raw(EraseLine + line[..Math.Min(line.Length, terminal.Console.Profile.Width - 1)]);
        waitingShown = true;
    }

    public void Dispose() => Erase();

    private void Erase()
    {
        if (waitingShown)
        {
            terminal.Raw(EraseLine);
            waitingShown = false;
        }
    }
}
