using System.Diagnostics.Metrics;
using Lepton.Platform.V1;

namespace Lepton.ServiceDefaults;

/// <summary>What became of access tokens that the cache did not know. Listed in README.md.</summary>
internal sealed class TokenMetrics
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Lepton.Tokens";

    private readonly Counter<long> _validations;

    public TokenMetrics(IMeterFactory meters, TokenValidator validator, Revocations revocations)
    {
        var meter = meters.Create(Name);
        _validations = meter.CreateCounter<long>("lepton.tokens.validations", "{validation}",
            "Access tokens validated, the cache's hits apart; refused ones have error_type.");
        meter.CreateObservableGauge("lepton.tokens.keys.age", () => validator.KeyAges().Select(k =>
            new Measurement<double>(k.Age.TotalSeconds, new KeyValuePair<string, object?>("lepton.issuer", k.Issuer))),
            "s", "Since an issuer's keys were fetched.");
        meter.CreateObservableGauge("lepton.tokens.revocations.age", () => revocations.Ages().Select(r =>
            new Measurement<double>(r.Age.TotalSeconds, new KeyValuePair<string, object?>("lepton.issuer", r.Issuer))),
            "s", "Since an issuer's revocations were read.");
    }

    public void Validated(ErrorReason? refused)
    {
        if (refused is { } reason)
            _validations.Add(1, new KeyValuePair<string, object?>("error.type", RpcErrors.ReasonOf(reason)));
        else
            _validations.Add(1);
    }
}
