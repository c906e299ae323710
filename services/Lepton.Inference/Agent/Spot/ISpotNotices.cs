namespace Lepton.Inference.Agent.Spot;

/// <summary>This node will be taken back.</summary>
/// <param name="Time">When, as far as it was said; null: at once.</param>
/// <param name="Detail">As the source put it, for people.</param>
internal sealed record SpotNotice(DateTimeOffset? Time, string Detail);

/// <summary>Says whether this node will be taken back.</summary>
internal interface ISpotNotices
{
    /// <summary>Asks once. Null: nothing was said.</summary>
    /// <exception cref="HttpRequestException">The source did not answer as it shall.</exception>
    Task<SpotNotice?> AskAsync(CancellationToken cancellation);
}

/// <summary>A file that somebody puts there: for tests, and for machines whose own agent hears of it.</summary>
internal sealed class FileNotices(string file) : ISpotNotices
{
    public Task<SpotNotice?> AskAsync(CancellationToken cancellation) =>
        Task.FromResult(File.Exists(file) ? new SpotNotice(null, file) : null);
}
