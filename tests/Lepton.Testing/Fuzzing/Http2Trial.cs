using System.Security.Cryptography.X509Certificates;

namespace Lepton.Testing.Fuzzing;

/// <summary>Plays attacks on a server and says what was wrong with its conduct.</summary>
/// <param name="address">The server.</param>
/// <param name="shown">Gives a certificate that may call the method; the connection disposes it.</param>
/// <param name="path">The method.</param>
/// <param name="ordinary">A good call by another connection; it throws when it fails.</param>
public sealed class Http2Trial(Uri address, Func<X509Certificate2> shown, string path, Func<Task> ordinary)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Is a call by the rules served? Then a violation that is not is refused for what it is.</summary>
    public async Task<bool> ServesAsync()
    {
        await using var wire = await Http2Wire.ConnectAsync(address, shown());
        await wire.BeginAsync();
        await Http2Attacks.AskAsync(wire, path);
        await wire.AnsweredAsync(1).WaitAsync(Patience);
        return wire.IsServed(1);
    }

    /// <summary>Breaks a rule. Null: the request was refused, and a good call is served.</summary>
    public async Task<string?> ViolateAsync(string name)
    {
        await using var wire = await Http2Wire.ConnectAsync(address, shown());
        await wire.BeginAsync();
        await Http2Attacks.Violations[name](wire, path);
        try
        {
            await wire.AnsweredAsync(1).WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            return "neither the stream nor the connection ended";
        }
        await ordinary();
        return wire.IsServed(1) ? "the request was served" : null;
    }

    /// <summary>Floods. A good call is served meanwhile and afterwards.</summary>
    /// <returns>By how many bytes the process grew at most.</returns>
    public async Task<long> FloodAsync(string name)
    {
        await ordinary();
        var before = Environment.WorkingSet;
        long most = 0;
        await using (var wire = await Http2Wire.ConnectAsync(address, shown()))
        {
            await wire.BeginAsync();
            var flood = Http2Attacks.Floods[name](wire, path);
            do
            {
                await ordinary();
                most = Math.Max(most, Environment.WorkingSet - before);
            }
            while (!flood.IsCompleted);
            await flood;
        }
        await ordinary();
        return most;
    }

    /// <summary>The gRPC status of a call whose body does not come by its deadline of half a second.</summary>
    public async Task<string?> SlowAsync(params (string, string)[] headers)
    {
        await using var wire = await Http2Wire.ConnectAsync(address, shown());
        await Http2Attacks.SlowAsync(wire, path, headers);
        await wire.AnsweredAsync(1).WaitAsync(Patience);
        return wire.Status(1);
    }
}
