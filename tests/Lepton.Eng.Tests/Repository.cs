using Lepton.Setup;

namespace Lepton.Eng.Tests;

/// <summary>The repository that these tests were built from, with what set-up made in it.</summary>
internal static class Repository
{
    public static SetupPaths Paths { get; } = Find();

    private static SetupPaths Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lepton.sln")))
                return new SetupPaths(folder.FullName, Path.Combine(folder.FullName, ".lepton"));
        }
        throw new InvalidOperationException("The tests do not lie below the repository.");
    }
}
