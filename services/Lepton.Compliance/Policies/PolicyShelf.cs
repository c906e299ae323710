using Lepton.Compliance.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Policies;

/// <summary>Versions compiled for a day, the least lately used go first: replays ask for the same ones.</summary>
internal sealed class PolicyShelf(PolicyBook book, IOptions<PolicyOptions> options)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(long Version, DateOnly Day, ResidencyPolicy Policy)> _latest = [];

    /// <summary>The version as it decided on a day.</summary>
    public async Task<ResidencyPolicy> GetAsync(long version, DateOnly day, CancellationToken cancellationToken)
    {
        lock (_gate)
            for (var at = _latest.First; at is not null; at = at.Next)
                if (at.Value.Version == version && IsSame(at.Value.Policy, day))
                {
                    _latest.Remove(at);
                    _latest.AddFirst(at);
                    return at.Value.Policy;
                }
        var policy = book.Compile(await book.FindAsync(version, cancellationToken)).On(day);
        lock (_gate)
        {
            _latest.AddFirst((policy.Version, day, policy));
            while (_latest.Count > options.Value.CompiledMax)
                _latest.RemoveLast();
        }
        return policy;
    }

    // From its day until something in it changes it is one and the same.
    private static bool IsSame(ResidencyPolicy policy, DateOnly day) =>
        policy.Date <= day && (policy.ChangesOn is not { } next || day < next);
}
