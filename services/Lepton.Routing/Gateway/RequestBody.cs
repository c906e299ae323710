using Lepton.Routing.Http2;

namespace Lepton.Routing.Gateway;

/// <summary>What one attempt sends: a part that goes with its head, and perhaps more.</summary>
internal abstract class RequestBody
{
    /// <summary>Goes in one piece with the head, as far as the peer lets it.</summary>
    public abstract ReadOnlyMemory<byte> First { get; }

    /// <summary>The first part is all of it: it can be sent again.</summary>
    public abstract bool IsWhole { get; }

    /// <summary>Sends what did not go with the head. It never throws: what fails ends the exchange.</summary>
    /// <param name="to">Where it goes.</param>
    /// <param name="sent">Bytes of the first part that are gone.</param>
    /// <param name="cancellation">The attempt's.</param>
    public abstract Task SendRestAsync(Exchange to, int sent, CancellationToken cancellation);
}

/// <summary>A unary request's body: the frame as it came.</summary>
internal sealed class MessageBody(PooledMessage message) : RequestBody
{
    public override ReadOnlyMemory<byte> First => message.Frame;

    public override bool IsWhole => true;

    public override async Task SendRestAsync(Exchange to, int sent, CancellationToken cancellation)
    {
        if (sent == message.Frame.Length)
            return;
        using PooledMessage shared = message.Share(); // the answer may be there before all of it is gone
        await to.SendAsync(shared.Frame[sent..], end: true);
    }
}
