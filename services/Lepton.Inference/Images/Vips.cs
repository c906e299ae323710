using System.Runtime.InteropServices;

namespace Lepton.Inference.Images;

/// <summary>The part of libvips and glib that decodes an image.</summary>
internal static unsafe partial class Vips
{
    // The library lies beside the service; set-up places it.
    private const string Library = "libvips-cpp.so";

    /// <summary>VIPS_INTERPRETATION_sRGB.</summary>
    public const int Srgb = 22;

    /// <summary>VIPS_FORMAT_UCHAR.</summary>
    public const int FormatUChar = 0;

    /// <summary>
    /// Starts the library once: PNG and JPEG loaders only, no cache, one thread an image, no log to stderr.
    /// </summary>
    public static void Start()
    {
        if (vips_init("lepton") != 0)
            throw new InvalidOperationException($"libvips does not start: {TakeError()}");
        g_log_set_default_handler(&DropLog, 0);
        // Everything else that it could load (PDF, SVG, TIFF, …) is attack surface without a use here.
        vips_operation_block_set("VipsForeignLoad", 1);
        vips_operation_block_set("VipsForeignLoadPng", 0);
        vips_operation_block_set("VipsForeignLoadJpeg", 0);
        vips_cache_set_max(0);
        vips_concurrency_set(1);
    }

    /// <summary>
    /// The library's last error, one line; another thread's may have got in between, so it is for people only.
    /// </summary>
    public static string TakeError()
    {
        var text = Marshal.PtrToStringUTF8(vips_error_buffer()) ?? "";
        vips_error_clear();
        return text.Split('\n', 2)[0].Trim() is { Length: > 0 } line ? line : "its header is damaged";
    }

    [UnmanagedCallersOnly]
    private static void DropLog(nint domain, int level, nint message, nint data)
    {
        // A damaged upload is the caller's fault and answered as such; it must not fill this node's log.
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_init(string name);

    [LibraryImport(Library)]
    private static partial nint g_log_set_default_handler(
        delegate* unmanaged<nint, int, nint, nint, void> handler, nint data);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial void vips_operation_block_set(string name, int state);

    [LibraryImport(Library)]
    private static partial void vips_cache_set_max(int max);

    [LibraryImport(Library)]
    private static partial void vips_concurrency_set(int threads);

    [LibraryImport(Library)]
    private static partial nint vips_error_buffer();

    [LibraryImport(Library)]
    private static partial void vips_error_clear();

    // The next three take a NULL-terminated list of options in C; none is given but the terminator.
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint vips_image_new_from_buffer(byte* data, nuint length, string options, nint end);

    [LibraryImport(Library)]
    public static partial int vips_autorot(nint image, nint* result, nint end);

    [LibraryImport(Library)]
    public static partial int vips_colourspace(nint image, nint* result, int space, nint end);

    [LibraryImport(Library)]
    public static partial int vips_image_get_width(nint image);

    [LibraryImport(Library)]
    public static partial int vips_image_get_height(nint image);

    [LibraryImport(Library)]
    public static partial int vips_image_get_bands(nint image);

    [LibraryImport(Library)]
    public static partial int vips_image_get_format(nint image);

    [LibraryImport(Library)]
    public static partial byte* vips_image_write_to_memory(nint image, nuint* length);

    [LibraryImport(Library)]
    public static partial void g_object_unref(nint image);

    [LibraryImport(Library)]
    public static partial void g_free(byte* memory);
}
