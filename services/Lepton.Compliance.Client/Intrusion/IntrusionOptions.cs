using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>Section <c>Lepton:Intrusion</c>.</summary>
public sealed class IntrusionOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Lepton:Intrusion";

    /// <summary>The rules file, e.g. <c>deploy/intrusion.json</c>. Required.</summary>
    [Required(AllowEmptyStrings = false,
        ErrorMessage = "Lepton:Intrusion:RulesFile takes the path of a rules file, e.g. deploy/intrusion.json.")]
    public string RulesFile { get; set; } = "";

    /// <summary>Events that wait to be looked at; more are dropped. 16 to 1,000,000, default 8,192.</summary>
    [Range(16, 1_000_000, ErrorMessage = "Lepton:Intrusion:QueueMax takes 16 to 1000000.")]
    public int QueueMax { get; set; } = 8_192;

    /// <summary>Streams of alerts open at the same time. 1 to 1,000, default 32.</summary>
    [Range(1, 1_000, ErrorMessage = "Lepton:Intrusion:WatchersMax takes 1 to 1000.")]
    public int WatchersMax { get; set; } = 32;
}

// Not generated: the generator's copy of Range gives its own message, which names no configuration key.
internal sealed class IntrusionOptionsValidator : IValidateOptions<IntrusionOptions>
{
    public ValidateOptionsResult Validate(string? name, IntrusionOptions options)
    {
        List<ValidationResult> faults = [];
        return Validator.TryValidateObject(options, new ValidationContext(options), faults, true)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(faults.Select(f => f.ErrorMessage ?? ""));
    }
}
