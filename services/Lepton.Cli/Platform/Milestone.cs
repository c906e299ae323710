namespace Lepton.Cli.Platform;

/// <summary>
/// Something that must be reached before the platform is ready. The check answers null once it is, else what is
/// being waited for.
/// </summary>
internal sealed record Milestone(string Phase, string Name, Func<CancellationToken, Task<string?>> Check);

/// <summary>A milestone and when it was reached, counted from the start of the command.</summary>
internal sealed record Reached(string Phase, string Name, TimeSpan At);
