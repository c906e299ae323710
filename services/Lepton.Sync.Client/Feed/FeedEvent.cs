namespace Lepton.Sync.Client;

/// <summary>What a feed tells.</summary>
internal abstract record FeedEvent
{
    private FeedEvent()
    {
    }

    /// <summary>A record has another value, or is gone.</summary>
    public sealed record Changed(string Key, ReadOnlyMemory<byte> Value, string Version, bool IsDeleted) : FeedEvent;

    /// <summary>Everything that was there at this time has been told.</summary>
    public sealed record Confirmed(DateTimeOffset AsOf) : FeedEvent;
}

/// <summary>Takes what a feed tells, one after the other; the feed waits for it.</summary>
internal delegate ValueTask FeedReader(FeedEvent what, CancellationToken cancellationToken);
