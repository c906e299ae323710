using System.Reflection;
using System.Runtime.InteropServices;

namespace Lepton.Setup.Samples;

/// <summary>Draws an SVG file as a PNG file by libvips, which carries librsvg, pango and fontconfig.</summary>
internal static unsafe partial class SvgRenderer
{
    // The library lies where set-up has put it, not beside this program.
    private const string Library = "libvips-cpp.so";

    /// <summary>Smallest, and without a date or a program's name in it.</summary>
    public const string PngOptions = "[compression=9,keep=none]";

    private static readonly Lock starting = new();
    private static bool isStarted;

    /// <summary>Loads the library, once a process; text is set in the fonts that the file configures.</summary>
    public static void Start(string library, string fontConfiguration)
    {
        lock (starting)
        {
            if (isStarted)
                return;
            NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) =>
                name == Library ? NativeLibrary.Load(library) : 0);
            // fontconfig reads its C environment, which .NET's own SetEnvironmentVariable does not write.
            if (setenv("FONTCONFIG_FILE", fontConfiguration, 1) != 0 || vips_init("lepton") != 0)
                throw new SetupException($"libvips does not start: {Error()}");
            isStarted = true;
        }
    }

    public static void Render(string svg, string png)
    {
        var bytes = File.ReadAllBytes(svg);
        fixed (byte* start = bytes) // read while it is drawn, which is when it is written
        {
            var image = vips_image_new_from_buffer(start, (nuint)bytes.Length, "", 0);
            if (image == 0)
                throw new SetupException($"{svg} is no drawing that libvips reads: {Error()}");
            var written = vips_image_write_to_file(image, png + PngOptions, 0);
            g_object_unref(image);
            if (written != 0)
                throw new SetupException($"{svg} cannot be drawn: {Error()}");
        }
    }

    private static string Error()
    {
        var text = Marshal.PtrToStringUTF8(vips_error_buffer()) ?? "";
        vips_error_clear();
        return text.Trim();
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_init(string name);

    // These two take a NULL-terminated list of options in C; none is given but the terminator.
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint vips_image_new_from_buffer(byte* data, nuint length, string options, nint end);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_image_write_to_file(nint image, string name, nint end);

    [LibraryImport(Library)]
    private static partial void g_object_unref(nint instance);

    [LibraryImport(Library)]
    private static partial nint vips_error_buffer();

    [LibraryImport(Library)]
    private static partial void vips_error_clear();
}
