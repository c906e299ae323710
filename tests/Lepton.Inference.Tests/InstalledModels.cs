namespace Lepton.Inference.Tests;

/// <summary>What set-up placed under the repository's <c>.lepton</c> folder.</summary>
internal static class InstalledModels
{
    public static string Home { get; } = FindHome();

    public static string Directory { get; } = Path.Combine(Home, "models");

    /// <summary>The folder that the build's output lies in, and set-up's results beside it.</summary>
    private static string FindHome()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Name == ".lepton")
                return folder.FullName;
        }
        throw new InvalidOperationException("The tests run from the repository's .lepton/build.");
    }
}
