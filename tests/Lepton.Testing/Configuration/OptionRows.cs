using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lepton.Testing.Configuration;

/// <summary>Bad values of a service's options, and what is said of them at the start.</summary>
public static class OptionRows
{
    /// <summary>
    /// For each number and each time of a class of options, and of those within it: just below its least and just above
    /// its greatest value, and what is no such value at all. One without bounds makes a row that fails.
    /// </summary>
    /// <param name="options">The class.</param>
    /// <param name="section">The section that it is bound to.</param>
    /// <returns>The key, a bad value, and what the error must say.</returns>
    public static IEnumerable<(string Key, string Value, string Says)> Of(Type options, string section)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var property in options.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var (key, type) = ($"{section}:{property.Name}", property.PropertyType);
            if (type.IsClass && type.Assembly == options.Assembly)
            {
                foreach (var row in Of(type, key))
                    yield return row;
            }
            else if (type == typeof(bool))
            {
                yield return (key, "nonsense", key);
            }
            else if (type == typeof(int) || type == typeof(long) || type == typeof(double) || type == typeof(TimeSpan))
            {
                yield return (key, "nonsense", key);
                foreach (var value in Outside(property.GetCustomAttribute<RangeAttribute>(), type))
                    yield return (key, value, $"{key} takes ");
            }
        }
    }

    /// <summary>What the start says with this configuration; null: it would go on.</summary>
    /// <param name="services">The service's, as its program registers them.</param>
    public static string? FaultOf(IServiceProvider services)
    {
        ArgumentNullException.ThrowIfNull(services);
        try
        {
            services.GetRequiredService<IStartupValidator>().Validate();
            return null;
        }
        catch (Exception e) when (e is OptionsValidationException or InvalidOperationException or AggregateException)
        {
            return e.Message;
        }
    }

    private static IEnumerable<string> Outside(RangeAttribute? range, Type type)
    {
        if (range is null)
            return ["no bounds are declared"];
        if (type == typeof(TimeSpan))
        {
            var (least, most) = (Time(range.Minimum), Time(range.Maximum));
            var step = TimeSpan.FromMilliseconds(1);
            return [(least - step).ToString("c"), (most + step).ToString("c")];
        }
        var (min, max) = (Number(range.Minimum), Number(range.Maximum));
        var by = type == typeof(double) ? 0.001m : 1;
        return [Text(min - by), Text(max + by), .. type == typeof(long) ? [Text(long.MaxValue)] : (string[])[]];
    }

    private static TimeSpan Time(object bound) => bound is TimeSpan time
        ? time
        : TimeSpan.Parse((string)bound, CultureInfo.InvariantCulture);

    private static decimal Number(object bound) => Convert.ToDecimal(bound, CultureInfo.InvariantCulture);

    private static string Text(decimal number) => number.ToString(CultureInfo.InvariantCulture);
}
