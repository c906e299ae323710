using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>Options whose bad values stop the start with their configuration key and what it takes.</summary>
public static class CheckedOptions
{
    /// <summary>Binds a section, and checks it at the start: its attributes, those of options within, and its
    /// rules.</summary>
    /// <param name="services">The service's.</param>
    /// <param name="section">The section's name, e.g. <c>Lepton:Tls</c>.</param>
    /// <param name="rules">What attributes cannot say: a text for each fault, with the key and what it takes.</param>
    public static IServiceCollection AddChecked<T>(
        this IServiceCollection services, string section, Func<T, IEnumerable<string>>? rules = null)
        where T : class
    {
        services.AddOptions<T>().BindConfiguration(section).ValidateOnStart();
        return services.AddSingleton<IValidateOptions<T>>(new OptionsCheck<T>(section, rules));
    }
}
