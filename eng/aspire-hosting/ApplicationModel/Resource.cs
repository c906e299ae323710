using System.Collections.ObjectModel;

namespace Aspire.Hosting.ApplicationModel;

public abstract class Resource : IResource
{
    protected Resource(string name)
    {
        ResourceName.Validate(name);
        Name = name;
    }

    public virtual string Name { get; }

    public virtual ResourceAnnotationCollection Annotations { get; } = [];
}

public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;

public enum ResourceAnnotationMutationBehavior
{
    Append = 0,
    Replace = 1,
}

internal static class ResourceName
{
    private const int LengthMax = 64;

    /// <summary>1 to 64 ASCII letters, digits and single hyphens, starting with a letter, not ending in a hyphen:
    /// the name becomes a DNS label and part of environment variables.</summary>
    public static void Validate(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        bool valid = name.Length <= LengthMax
            && char.IsAsciiLetter(name[0])
            && !name.EndsWith('-')
            && !name.Contains("--", StringComparison.Ordinal)
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
        if (!valid)
            throw new ArgumentException(
                $"Resource name '{name}' is invalid. It must be 1 to {LengthMax} ASCII letters, digits and hyphens, "
                + "start with a letter, not end with a hyphen and have no two hyphens in a row.", nameof(name));
    }
}
