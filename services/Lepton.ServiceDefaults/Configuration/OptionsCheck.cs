using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Checks options by their attributes and rules. By reflection, once at the start: what <c>[OptionsValidator]</c>
/// generates has texts of its own for ranges and lengths, which name no configuration key.
/// </summary>
/// <param name="section">The section's name.</param>
/// <param name="rules">What attributes cannot say.</param>
internal sealed class OptionsCheck<T>(string section, Func<T, IEnumerable<string>>? rules) : IValidateOptions<T>
    where T : class
{
    public ValidateOptionsResult Validate(string? name, T options)
    {
        List<string> faults = [];
        Check(section, options, faults);
        faults.AddRange(rules?.Invoke(options) ?? []);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void Check(string key, object part, List<string> faults)
    {
        foreach (var property in part.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var at = $"{key}:{property.Name}";
            var value = property.GetValue(part);
            ValidationAttribute[] attributes = [.. property.GetCustomAttributes<ValidationAttribute>()];
            if (attributes.FirstOrDefault(a => !a.IsValid(value)) is { } broken)
                // Whichever attribute has a text: it says all that the key takes.
                faults.Add($"{at} takes {attributes.FirstOrDefault(a => a.ErrorMessage is not null)?.ErrorMessage
                    ?? Takes(broken)}.");
            else if (value is IEnumerable many and not string)
                CheckEach(at, many, faults);
            else if (value is not null && IsOptions(value))
                Check(at, value, faults);
        }
    }

    private static void CheckEach(string key, IEnumerable many, List<string> faults)
    {
        var index = 0;
        foreach (var one in many)
        {
            if (one is not null && IsOptions(one))
                Check($"{key}:{index}", one, faults);
            index++;
        }
    }

    // Options within options are of our own; what a framework's class is made of is nobody's configuration.
    private static bool IsOptions(object value) =>
        value.GetType() is { IsClass: true } type && type.Assembly == typeof(T).Assembly;

    private static string Takes(ValidationAttribute attribute) => attribute switch
    {
        RangeAttribute range => string.Create(CultureInfo.InvariantCulture, $"{range.Minimum} to {range.Maximum}"),
        StringLengthAttribute length => $"{length.MinimumLength} to {length.MaximumLength} characters",
        MaxLengthAttribute length => $"at most {length.Length} entries",
        MinLengthAttribute length => $"at least {length.Length} entries",
        RequiredAttribute => "a value",
        _ => throw new InvalidOperationException($"{attribute.GetType().Name} needs a text that says what is taken."),
    };
}
